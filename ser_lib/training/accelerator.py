"""Accelerate set up for this machine and a run's settings."""

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DataLoaderConfiguration, DistributedDataParallelKwargs

from ser_lib.errors import HparamsError
from ser_lib.training.memory import keep_freed_memory


def make_accelerator(settings, folder, freezes=False):
    """Accelerator for this machine and these settings.

    Arguments
    ---------
    settings : TrainingSettings
        ``batch_size`` counts over all processes.
    folder : Path
        Run folder; TensorBoard files go to ``tensorboard`` inside.
    freezes : bool
        Whether some layers will be frozen in some epochs.

    Raises
    ------
    HparamsError
        If the batch does not divide among the processes, or the precision needs a GPU.
    """
    if settings.mixed_precision == "fp16" and not torch.cuda.is_available():
        raise HparamsError("mixed_precision fp16 needs a GPU; on a CPU choose bf16 or no")
    # Accelerate keeps one precision a process; a second run here may want another.
    AcceleratorState._reset_state()
    if not torch.accelerator.is_available():
        keep_freed_memory()
    # Where layers are frozen for some epochs, not every parameter has a gradient.
    unused = DistributedDataParallelKwargs(find_unused_parameters=freezes)
    accelerator = Accelerator(
        # Named, because without a GPU Accelerate starts several processes only when told so.
        cpu=not torch.accelerator.is_available(),
        mixed_precision=settings.mixed_precision,
        gradient_accumulation_steps=settings.gradient_accumulation_steps,
        dataloader_config=DataLoaderConfiguration(split_batches=True),
        log_with="tensorboard",
        project_dir=str(folder),
        kwargs_handlers=[unused],
    )
    if settings.batch_size % accelerator.num_processes:
        raise HparamsError(
            f"batch_size {settings.batch_size} does not divide among "
            f"{accelerator.num_processes} processes; choose a multiple"
        )
    return accelerator
