"""What is told of an epoch: to the person, to programs, to TensorBoard."""

import datetime
import json
import logging

logger = logging.getLogger(__name__)


def write_history(folder, progress):
    """Write ``history.jsonl``, whole, from what the checkpoint knows.

    Arguments
    ---------
    folder : Path
        Run folder.
    progress : Progress
        Its ``history`` has a row (dict) an epoch.
    """
    lines = "".join(json.dumps(entry) + "\n" for entry in progress.history)
    partial = folder / "history.jsonl.part"
    partial.write_text(lines, encoding="utf-8")
    partial.replace(folder / "history.jsonl")


def report(accelerator, folder, progress, epochs):
    """Tell the last epoch: one line for the person, one for programs, points for TensorBoard.

    Arguments
    ---------
    accelerator : accelerate.Accelerator
        Only its main process tells.
    folder : Path
        Run folder.
    progress : Progress
        With the epoch in its history.
    epochs : int
        That are asked for.
    """
    row = progress.history[-1]
    values = {key: value for key, value in row.items() if key != "epoch"}
    accelerator.log(values, step=row["epoch"])
    if not accelerator.is_main_process:
        return
    write_history(folder, progress)
    best = progress.history[progress.best_epoch - 1]
    left = (epochs - progress.epoch) * row["seconds"]
    logger.info(
        "epoch %d/%d  train loss %.3f WA %.1f%%  validation loss %.3f UA %.1f%% WA %.1f%%  "
        "best UA %.1f%% (epoch %d)  %s s, at most %s left",
        progress.epoch,
        epochs,
        row["train_loss"],
        100 * row["train_wa"],
        row["validation_loss"],
        100 * row["validation_ua"],
        100 * row["validation_wa"],
        100 * best["validation_ua"],
        progress.best_epoch,
        f"{row['seconds']:.{2 if row['seconds'] < 10 else 0}f}",
        datetime.timedelta(seconds=round(left)),
    )
