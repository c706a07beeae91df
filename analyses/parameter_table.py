"""Parameters of every recipe of both documents, counted, beside the published numbers.

python -m analyses.parameter_table
"""

from __future__ import annotations

from analyses import published
from analyses.inputs import Inputs
from analyses.study import Made, Study
from analyses.train_models import SIZES
from tinyinterp.network.compressor import CompressorConfig
from tinyinterp.network.config import DecoderConfig
from tinyinterp.network.presets import PRESETS, parameter_table
from train.training.recipe_file import read_recipe

COMPRESSORS = ("compressor-128", "compressor-256", "compressor-512")


def measure(_inputs: Inputs) -> Made:
    """Count by part; nothing is random, so there are neither seeds nor intervals."""
    models: dict[str, DecoderConfig | CompressorConfig] = {
        name: PRESETS[name] for name in published.PARAMETERS
    }
    models["gptneo-33m"] = read_recipe("gptneo-33m").model
    models |= {name: read_recipe(f"report-{name}").model for name in SIZES}
    models |= {name: read_recipe(name).model for name in COMPRESSORS}
    rows = []
    for name, config in models.items():
        of_model = published.PARAMETERS.get(name, {})
        for row in parameter_table(config):
            known = of_model.get(row["part"])
            rows.append(
                {
                    "model": name,
                    **row,
                    "published": known,
                    "difference": None if known is None else row["parameters"] - known,
                }
            )
    return Made(rows, "counted: none", notes={"source": published.PARAMETERS_SOURCE})


STUDY = Study(
    "parameter_table", "parameters of every recipe beside the published", measure, picture=False
)

if __name__ == "__main__":
    STUDY.main()
