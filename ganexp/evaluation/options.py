"""The options of ``python -m ganexp.evaluate``."""

from dataclasses import dataclass, field
from typing import Any, Literal

from ganexp.config.classes import trusted
from ganexp.config.types import PositiveInt, Seed


@dataclass(frozen=True)
class Options:
    """Measure trained runs, all in the same way, and show the scores of real samples beside them.

    Each measurement is kept in the folder evaluations of its run, with the protocol by which it was made.

    Arguments:
        run: A run directory or a checkpoint file in it; a folder, for all runs below it; a pattern such as outputs/*/2026-*; or
            a list of those.
        checkpoint: last: the newest good one of each run; best: that of its best measurement; both: one after the other.
        metrics: full: all that fit the data; or another option of conf/metrics; run: those of the run.
        extractor: The feature extractor of images: classifier, inception, or another option of conf/extractor; run: the run's.
        extractor_options: Its options, one by one, such as extractor_options.weights=/path for the weights of inception.
        samples: How many samples are generated.
        seed: Seed of the latents and labels, by default not the one by which the best checkpoint was chosen. They are drawn on
            the CPU, so that a seed gives the same samples on every machine.
        ema: Whether to use the averaged generator if the run has one; false: the trained weights themselves.
        overwrite: Whether to repeat measurements that exist already.
        batch_size: Samples that are generated at a time.
        accelerator: auto, cpu or gpu; auto takes a GPU if there is one.
        data: Options of the data that differ from the run's, one by one: data.root=/path says where its files are here.
        trust: Whether the run may build classes that are not part of ganexp, as it could run any code: true, or modules such as
            [mine]. Say so only of runs that you or somebody you trust made.
        config_dir: Folder with YAML files of your own, also as --config-dir my_conf: the classes that they name are trusted,
            and they are choices of metrics and extractors.
    """

    run: str | list[str]
    checkpoint: Literal["last", "best", "both"] = "last"
    metrics: str | None = "full"
    extractor: str | None = "run"
    extractor_options: dict[str, Any] = field(default_factory=dict)
    samples: PositiveInt = 10_000
    seed: Seed = 2
    ema: bool = True
    overwrite: bool = False
    batch_size: PositiveInt = 500
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    data: dict[str, Any] = field(default_factory=dict)
    trust: bool | str | list[str] = False
    config_dir: str | None = None

    @property
    def trusted(self) -> bool | tuple[str, ...]:
        """What the runs may build that is not part of ganexp."""
        return trusted(self.trust, self.config_dir)
