"""Batch norm over the whole batch, where several processes have a part of it each.

``torch.nn.SyncBatchNorm`` does so on GPUs only. Without it a network on four processes would be
another one than on a single process: it would divide by the spread of a quarter of the batch.
"""

import torch
from torch.distributed.nn.functional import all_reduce
from torch.nn.modules.batchnorm import _BatchNorm


class SharedBatchNorm(_BatchNorm):
    """Batch norm whose mean and variance, in training, are those of all processes' inputs.

    Made by :func:`share_batch_norm`; features are ``(batch, channels, ...)``.
    """

    def _check_input_dim(self, input):
        """Whatever the layer was made for; its shape was checked with the first clip."""

    def forward(self, input):
        """Normalise over all axes but the second, and over all processes."""
        if not self.training:
            return super().forward(input)
        values = input.float()
        axes = [0, *range(2, values.dim())]
        shape = [1, -1] + [1] * (values.dim() - 2)
        count = torch.tensor([values.numel() / values.shape[1]], device=values.device)
        sums = all_reduce(torch.cat([values.sum(axes), count]))
        count = sums[-1].detach()
        mean = sums[:-1] / count
        centred = values - mean.view(shape)
        # A second round rather than the mean of squares, which loses digits.
        variance = all_reduce(centred.square().sum(axes)) / count
        if self.track_running_stats:
            self._follow(mean.detach(), variance.detach() * count / (count - 1).clamp(min=1))
        output = centred * torch.rsqrt(variance + self.eps).view(shape)
        if self.affine:
            output = output * self.weight.view(shape) + self.bias.view(shape)
        return output.to(input.dtype)

    def _follow(self, mean, variance):
        """Move the running statistics by one step."""
        with torch.no_grad():
            self.num_batches_tracked += 1
            rate = self.momentum
            if rate is None:
                rate = 1 / self.num_batches_tracked.item()
            self.running_mean.lerp_(mean.to(self.running_mean.dtype), rate)
            self.running_var.lerp_(variance.to(self.running_var.dtype), rate)


def share_batch_norm(network):
    """Let the batch norms of a network (nn.Module) speak with those of the other processes.

    Parameters, buffers and their names stay as they are.
    """
    for module in network.modules():
        if isinstance(module, _BatchNorm):
            module.__class__ = SharedBatchNorm
