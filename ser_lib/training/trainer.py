"""The training loop: Accelerate on a CPU, a GPU or several, resumable to the bit.

Everything random in an epoch (order of the clips, dropout) follows from the seed and the
epoch's number, so a run that was killed and started again goes the same way as one that was
not. Asked to leave (Ctrl-C, SIGTERM), it ends the step, saves within the epoch and leaves.
"""

import logging
import math
import time
import warnings

import torch
from accelerate import skip_first_batches
from accelerate.utils import set_seed
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import ReduceLROnPlateau

from ser_lib.data.sampler import EpochSampler
from ser_lib.errors import HparamsError
from ser_lib.logs import progress_bar
from ser_lib.training.checkpoint import Checkpoints
from ser_lib.training.endings import Endings
from ser_lib.training.history import report, write_history
from ser_lib.training.loader import clip_loader, is_cached
from ser_lib.training.random_states import random_states, set_random_states
from ser_lib.training.rates import Warmup, parameter_groups
from ser_lib.training.shared_batch_norm import share_batch_norm

logger = logging.getLogger(__name__)


class Trainer:
    """Trains one network and keeps its best validation epoch.

    Arguments
    ---------
    network : WaveformClassifier
        Changed in place.
    settings : TrainingSettings
        See there.
    optimizer : callable
        ``optimizer(parameters)`` makes the optimiser.
    lr_scheduler : callable or None
        ``lr_scheduler(optimizer)`` makes a scheduler, stepped once an epoch. A
        ReduceLROnPlateau watches the validation loss, or the validation WA in mode ``max``.
    accelerator : accelerate.Accelerator
        From :func:`ser_lib.training.accelerator.make_accelerator`.
    folder : Path
        Run folder.
    identity : dict
        What makes this run itself; a checkpoint of another one is refused.
    score : callable
        ``score(predictions, labels)`` of two int tensors ``(clips,)`` returns a dict with
        ``"ua"`` and ``"wa"`` (fractions).
    class_weights : Tensor or None
        ``(classes,)``, weight of each class in the loss.
    group : callable or None
        ``group(item id)``; items of all groups are then drawn as often.
    """

    def __init__(
        self,
        network,
        settings,
        optimizer,
        lr_scheduler,
        accelerator,
        folder,
        identity,
        score,
        class_weights=None,
        group=None,
    ):
        self.network, self.settings, self.accelerator = network, settings, accelerator
        self.folder, self.identity, self.score = folder, identity, score
        self.class_weights, self.group = class_weights, group
        # Convolutions are faster with the channels last, on CPUs too; the numbers stay.
        network.to(memory_format=torch.channels_last)
        if settings.torch_compile:
            network.classifier.compile()
        if accelerator.num_processes > 1:
            share_batch_norm(network)
        optimizer = optimizer(parameter_groups(network, settings.encoder_lr))
        self.model, self.optimizer = accelerator.prepare(network, optimizer)
        self.scheduler = lr_scheduler(optimizer) if lr_scheduler is not None else None
        if self.scheduler is not None:
            accelerator.register_for_checkpointing(self.scheduler)
        self.checkpoints = Checkpoints(folder / "checkpoints", accelerator)
        self.endings = Endings(accelerator, self.checkpoints, folder)

    def fit(self, train, validation):
        """Train to the last epoch or until patience ends, from wherever the run folder stands.

        Arguments
        ---------
        train, validation : Dataset
            Items as :func:`ser_lib.data.clips.collate` takes them.

        Returns
        -------
        Progress
            The network then holds the weights of ``progress.best_epoch``.

        Raises
        ------
        RunError
            If loss or gradients are not finite, or the run folder holds something else.
        Stopped
            If somebody asked to leave; the state is saved then.
        HparamsError
            If no batch can be made of the training items.
        """
        settings = self.settings
        # One item left over has no spread that batch norm could measure.
        drop_last = settings.drop_last or len(train) % settings.batch_size == 1
        if len(train) < (settings.batch_size if drop_last else 1):
            raise HparamsError(
                f"batch_size {settings.batch_size} is more than the {len(train)} training items; "
                "choose a smaller one"
            )
        groups = [self.group(clip) for clip in _ids(train)] if self.group else None
        sampler = EpochSampler(len(train), settings.seed, groups)
        self.train_loader = self._loader(train, sampler=sampler, drop_last=drop_last)
        self.validation_loader = self._loader(validation)
        progress = self.checkpoints.resume(self.identity)
        # Where an epoch was left in its midst, it goes on with the random numbers that came next.
        self.states = random_states() if progress.within else None
        if progress.epoch or progress.within:
            step = f", step {progress.within['step']}" if progress.within else ""
            logger.info("going on after epoch %d%s of %s", progress.epoch, step, self.folder)
            if self.accelerator.is_main_process:
                # A kill between checkpoint and history would leave a gap.
                write_history(self.folder, progress)
        self.accelerator.init_trackers("tensorboard")
        with self.endings:
            while progress.epoch < settings.number_of_epochs and not out_of_patience(
                progress, settings.patience
            ):
                self._epoch(progress)
                if self.endings.agreed()[1]:
                    self.endings.leave(progress)
        progress.stopped_early = progress.epoch < settings.number_of_epochs
        # Not end_training(), which would part the processes before they have scored the test.
        for tracker in self.accelerator.trackers:
            tracker.finish()
        # Accelerate has put its half precision around the network's forward.
        self.accelerator.unwrap_model(self.model, keep_fp32_wrapper=False)
        self.network.load_state_dict(self.checkpoints.load_best(progress))
        return progress

    def _loader(self, dataset, **options):
        loader = clip_loader(
            dataset,
            self.settings.batch_size,
            self.settings.num_workers,
            pin_memory=self.accelerator.device.type == "cuda",
            **options,
        )
        return self.accelerator.prepare(loader)

    def _epoch(self, progress):
        epoch = progress.epoch + 1
        self.began = time.monotonic() - progress.within.get("seconds", 0.0)
        # Restarting every generator each epoch makes a resumed run equal to an unbroken one.
        seed = (self.settings.seed * 1_000_003 + epoch) % (2**32 - 4096)
        set_seed(seed, device_specific=True)
        # Through the loader: Accelerate's passes its own count on to the sampler otherwise.
        self.train_loader.set_epoch(epoch - 1)
        for name in ("front_end", "classifier"):
            block = getattr(self.network, name, None)
            if hasattr(block, "begin_epoch"):
                block.begin_epoch(epoch)
        rate = self.optimizer.param_groups[0]["lr"]
        trained = self._train(progress)
        row = {"epoch": epoch, **trained, **self._validate(progress), "learning_rate": rate}
        if isinstance(self.scheduler, ReduceLROnPlateau):
            wanted = "validation_wa" if self.scheduler.mode == "max" else "validation_loss"
            self.scheduler.step(row[wanted])
        elif self.scheduler is not None:
            with warnings.catch_warnings():
                # An epoch that was left after its last step has no steps in this process.
                warnings.filterwarnings("ignore", r"Detected call of `lr_scheduler\.step")
                self.scheduler.step()
        row["seconds"] = round(time.monotonic() - self.began, 2)
        if not progress.history or _rank(row) > _rank(progress.history[progress.best_epoch - 1]):
            progress.best_epoch = epoch
            if self.accelerator.is_main_process:
                self.checkpoints.save_best(self.network.state_dict(), epoch)
        progress.epoch, progress.within = epoch, {}
        progress.seconds += row["seconds"]
        progress.history.append(row)
        self.checkpoints.save(progress)
        report(self.accelerator, self.folder, progress, self.settings.number_of_epochs)

    def _train(self, progress):
        """One epoch, from its first step or from where it was left; its loss and WA (dict)."""
        self.model.train()
        epoch, steps = progress.epoch + 1, len(self.train_loader)
        done, (total, right, seen) = self._so_far(progress)
        title = f"epoch {epoch}/{self.settings.number_of_epochs}"
        warmup = Warmup(self.optimizer, self.settings.warmup_epochs, epoch, steps)
        loader = skip_first_batches(self.train_loader, done) if done else self.train_loader
        bar = progress_bar(loader, title, "step") if done < steps else ()
        skipped = 0
        for step, batch in enumerate(bar, start=done):
            # Here, because beginning to load draws a random number.
            self._take_up_random_states()
            warmup.step(step)
            with self.accelerator.accumulate(self.model):
                logits = self.model(batch["inputs"], batch["lengths"])
                loss = self._loss(logits.float(), batch["labels"], shared=True)
                value = loss.item()
                broken, leave = self.endings.agreed(not math.isfinite(value))
                if broken:
                    self.endings.give_up(f"the loss is {value}", progress, step, batch["ids"])
                self.accelerator.backward(loss)
                if self.accelerator.sync_gradients:
                    self.endings.check_gradients(self.model, progress, step, batch["ids"])
                    if self.settings.max_grad_norm:
                        self.accelerator.clip_grad_norm_(
                            self.model.parameters(), self.settings.max_grad_norm
                        )
                self.optimizer.step()
                # Between two steps of the optimiser it still tells of the one before.
                if self.accelerator.sync_gradients:
                    skipped += self.optimizer.step_was_skipped
                self.optimizer.zero_grad()
            total += value * len(batch["ids"])
            right += (logits.argmax(dim=1) == batch["labels"]).sum().item()
            seen += len(batch["ids"])
            if leave and self.accelerator.sync_gradients:
                warmup.end()
                self._leave(progress, step + 1, (total, right, seen))
            bar.set_postfix(loss=f"{total / seen:.3f}", refresh=False)
        self._take_up_random_states()
        warmup.end()
        if skipped:
            logger.info("left out %d steps whose gradients overflowed in float16", skipped)
            if skipped * self.settings.gradient_accumulation_steps >= steps - done:
                what = "float16 overflowed in every gradient"
                self.endings.give_up(what, progress, steps - 1, batch["ids"])
        self.sums = total, right, seen
        sums = torch.tensor([total, right, seen], device=self.accelerator.device)
        total, right, seen = self.accelerator.reduce(sums).tolist()
        return {"train_loss": total / seen, "train_wa": right / seen}

    def _so_far(self, progress):
        """Steps of this epoch that are done (int), and this process's sums over them."""
        within, rank = progress.within, self.accelerator.process_index
        if not within:
            return 0, (0.0, 0, 0)
        if len(within["sums"]) == self.accelerator.num_processes:
            return within["step"], within["sums"][rank]
        # By another number of processes than this: one of these takes over the sums of all.
        sums = [sum(column) for column in zip(*within["sums"], strict=True)]
        return within["step"], (sums if rank == 0 else (0.0, 0, 0))

    def _take_up_random_states(self):
        if self.states is not None:
            set_random_states(self.states)
            self.states = None

    def _leave(self, progress, step, sums):
        seconds = time.monotonic() - self.began
        self.endings.leave(progress, (step, len(self.train_loader), seconds, sums))

    @torch.no_grad()
    def _validate(self, progress):
        self.model.eval()
        logits, labels, broken = [], [], []
        for batch in self.validation_loader:
            if self.endings.agreed()[1]:
                self._leave(progress, len(self.train_loader), self.sums)
            output = self.model(batch["inputs"], batch["lengths"]).float()
            finite = output.isfinite().all(dim=1).tolist()
            broken += [clip for clip, good in zip(batch["ids"], finite, strict=True) if not good]
            output, target = self.accelerator.gather_for_metrics((output, batch["labels"]))
            logits.append(output.cpu())
            labels.append(target.cpu())
        logits, labels = torch.cat(logits), torch.cat(labels)
        loss = self._loss(logits, labels).item()
        if not math.isfinite(loss):
            what = f"the validation loss is {loss}"
            self.endings.give_up(what, progress, len(self.train_loader) - 1, broken)
        scores = self.score(logits.argmax(dim=1), labels)
        return {
            "validation_loss": loss,
            "validation_ua": scores["ua"],
            "validation_wa": scores["wa"],
        }

    def _loss(self, logits, labels, shared=False):
        """Cross entropy; ``shared`` where the batch is spread over the processes."""
        if self.class_weights is None:
            return cross_entropy(logits, labels)
        weights, processes = self.class_weights.to(logits.device), self.accelerator.num_processes
        if not shared or processes == 1:
            return cross_entropy(logits, labels, weights)
        # Divided by the weights of the whole batch, as on a single process; gradients are averaged.
        whole = self.accelerator.reduce(weights[labels].sum())
        return cross_entropy(logits, labels, weights, reduction="sum") * processes / whole


def out_of_patience(progress, patience):
    """Whether ``patience`` epochs (int; 0: never) have gone by since the best one."""
    return 0 < patience <= progress.epoch - progress.best_epoch


def _ids(dataset):
    """Ids of the items (list of str), without decoding any."""
    return [item["id"] for item in dataset.items] if is_cached(dataset) else dataset.data_ids


def _rank(row):
    """What makes an epoch better: validation UA, then the lower validation loss."""
    return row["validation_ua"], -row["validation_loss"]
