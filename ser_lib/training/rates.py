"""Learning rates that differ between parts of a network, or rise at first."""


def parameter_groups(network, encoder_lr):
    """Parameters as an optimiser takes them.

    Arguments
    ---------
    network : nn.Module
        Where it has a ``front_end`` with weights, they can have a rate of their own.
    encoder_lr : float
        That rate; 0 leaves them at the optimiser's.

    Returns
    -------
    list
        Of all parameters, or of two groups, the front end's last.
    """
    front_end = getattr(network, "front_end", None)
    theirs = list(front_end.parameters()) if front_end is not None else []
    if not encoder_lr or not theirs:
        return list(network.parameters())
    known = {id(parameter) for parameter in theirs}
    others = [parameter for parameter in network.parameters() if id(parameter) not in known]
    return [{"params": others}, {"params": theirs, "lr": encoder_lr}]


class Warmup:
    """Linear rise of all learning rates from zero over the first epochs.

    What an epoch starts with is what its last step gives back, so that schedulers see their own
    rates, and a run that is resumed goes on where it was.

    Arguments
    ---------
    optimizer : Optimizer
        Its ``lr`` are changed.
    epochs : float
        Duration of the rise; 0 changes nothing.
    epoch : int
        The one that begins, counted from 1.
    steps : int
        Steps an epoch.
    """

    def __init__(self, optimizer, epochs, epoch, steps):
        self.groups = optimizer.param_groups
        self.rates = [group["lr"] for group in self.groups]
        self.done, self.whole = (epoch - 1) * steps, epochs * steps

    def step(self, number):
        """Set the rates of one step (int, counted from 0 in this epoch)."""
        share = min(1.0, (self.done + number + 1) / self.whole) if self.whole else 1.0
        for group, rate in zip(self.groups, self.rates, strict=True):
            group["lr"] = rate * share

    def end(self):
        """Give the rates back."""
        for group, rate in zip(self.groups, self.rates, strict=True):
            group["lr"] = rate
