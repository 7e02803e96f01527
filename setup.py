"""The part of the package list that pyproject.toml cannot express: all of our packages, and firmware/ inside deploy."""

from setuptools import find_packages, setup

ROOMS = ["edgekit", "edgekit.*", "quant", "quant.*", "deploy", "deploy.*"]

setup(
    packages=[*find_packages(include=ROOMS), "deploy._firmware"],
    package_dir={"deploy._firmware": "firmware"},
    package_data={
        "quant": ["datasets/*.sha256"],
        "deploy": ["boards/*.toml", "templates/*"],
        "deploy._firmware": ["**/*"],
        "edgekit": [
            "emulate/native/*",
            "emulate/pulp/native/*",
            "calibration/*.csv",
            "calibration/*.json",
            "page/templates/*",
        ],
    },
)
