"""The main job of every recipe: corpus, split, training, report, model folder."""

import json
import logging
import os
import sys
import types
from pathlib import Path

from ser_lib.cli import default_folder, exit_code, parse
from ser_lib.errors import HparamsError, RunError
from ser_lib.logs import log_to_console
from ser_lib.peers import Watch, start_processes

logger = logging.getLogger(__name__)


def main(corpus, argv=None):
    """Run a recipe from its command line.

    Arguments
    ---------
    corpus : module
        A module of ``ser_lib.corpora``.
    argv : list of str or None
        Command line without the program's name; None takes ``sys.argv``.

    Returns
    -------
    int
        0 when done, 2 after an error that the person can mend (one line on stderr), 130 when
        interrupted, 143 when ended by SIGTERM.
    """
    return exit_code(lambda: _main(corpus, sys.argv[1:] if argv is None else list(argv)))


def _main(corpus, argv):
    options, overrides, parser = parse(corpus, argv)
    if options.help and not options.yaml:
        parser.print_help()
        return
    if not options.yaml:
        raise HparamsError("which system? give a YAML, e.g. hparams/cnn_transformer.yaml")
    # From here on heavy libraries load, which --help alone should not wait for.
    from ser_lib.hparams import Hparams

    hparams = Hparams(options.yaml, overrides)
    if options.help:
        parser.print_help()
        print(f"\nkeys of {hparams.path.name}:")
        for key, value in hparams.keys().items():
            print(f"  --{key} {json.dumps(value)}")
        return
    _run(corpus, options, hparams)


def _run(corpus, options, hparams):
    from transformers.utils.logging import disable_progress_bar

    from ser_lib.evaluation.folds import write_fold_report
    from ser_lib.hub.push import check_push, push
    from ser_lib.protocols import lookup

    disable_progress_bar()  # a few files of a megabyte need none
    state = start_processes(cpu=_needs_cpu())
    log_to_console(logging.INFO if state.is_main_process else logging.ERROR)
    # What can be wrong with the command comes first, what takes time after it.
    every = options.fold == "all"
    rule = lookup(options.protocol)
    folds = range(1, rule.folds + 1) if every else [options.fold]
    rule.check_request(corpus.NAME, folds)
    output = hparams.value("output_folder")
    if output:
        make_folder(Path(output))
        check_layout(Path(output), every)
    if options.push_to_hub:
        if every:
            # Picking the fold that tested best would be choosing on the test set.
            raise HparamsError("--push_to_hub publishes one model; say which with --fold N")
        check_push(options.push_to_hub, options.hub_private, options.push_space)
    elif options.push_space:
        raise HparamsError("--push_space shows a published model; say --push_to_hub USER/NAME too")
    elif options.hub_private:
        raise HparamsError("--hub_private is of a published model; say --push_to_hub USER/NAME too")
    with Watch(state):
        folder, results = _run_folds(corpus, options, hparams, state, rule, folds, output)
    state.destroy_process_group()
    if not state.is_main_process:
        return
    if every:
        write_fold_report(folder, [r.metrics for r in results], [r.predictions for r in results])
        logger.info("all folds: %s", folder / "report.md")
    if options.push_to_hub:
        url = push(
            results[0].model, options.push_to_hub, options.hub_private, space=options.push_space
        )
        logger.info("published: %s", url)


def _run_folds(corpus, options, hparams, state, rule, folds, output):
    """Prepare the corpus and run every fold; the folder of all (Path) and their results (list)."""
    from ser_lib.experiments import experiment
    from ser_lib.hparams import BY_GRADIENT, systems_of
    from ser_lib.pretrained.start import start_of
    from ser_lib.protocols import split
    from ser_lib.run_facts import corpus_name

    every = options.fold == "all"
    with state.main_process_first():
        # A wrong name shows before gigabytes of sound are fetched.
        systems = systems_of(hparams)
        for system in systems:
            start_of(system)
        manifest = corpus.prepare(
            hparams.value("data_folder"), options.allow_partial, progress=state.is_main_process
        )
    idle = [key for key in hparams.overrides if key in BY_GRADIENT]
    if idle and not any(system.kind == "gradient" for system in systems):
        logger.warning("without effect on %s: %s", hparams.path.name, ", ".join(idle))
    seed, drop = hparams.settings.seed, options.drop_conflicts
    ledgers = [split(manifest, rule.name, fold, seed, drop) for fold in folds]
    if drop:
        corpus = with_option(corpus, "--drop_conflicts")
    folder = Path(
        output
        or default_folder(
            corpus_name(corpus, ledgers[0]), rule.name, hparams.system, hparams.settings.seed
        )
    )
    runs = []
    for ledger in ledgers:
        inner = folder if output and not every else folder / f"fold-{ledger.fold}"
        make_folder(inner)
        runs.append(experiment(corpus, hparams, manifest, ledger, inner, options.allow_partial))
    return folder, [run.run() for run in runs]


def with_option(corpus, word):
    """What stands for a corpus module and says that its command has one more option (str)."""
    public = {name: value for name, value in vars(corpus).items() if not name.startswith("_")}
    public["OPTIONS"] = [*public.get("OPTIONS", ()), word]
    return types.SimpleNamespace(**public)


def check_layout(folder, all_folds):
    """Raise RunError where one fold's run would overwrite a summary of folds, or a summary it."""
    if all_folds and (folder / "checkpoints").exists():
        raise RunError(
            f"{folder} holds the run of one fold; for all of them choose another --output_folder"
        )
    if not all_folds and any(folder.glob("fold-*/checkpoints")):
        raise RunError(
            f"{folder} holds the runs of all folds; for one of them give --output_folder "
            f"{folder}/fold-N"
        )


def make_folder(folder):
    """Make a run folder and see that it can be written; raises RunError naming it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise RunError(
            f"{folder}: cannot write there ({error.strerror}); choose another --output_folder"
        ) from error


def _needs_cpu():
    """Whether to tell Accelerate that there is no accelerator; otherwise it will not start
    several processes on a machine without one.
    """
    import torch

    return not torch.accelerator.is_available()
