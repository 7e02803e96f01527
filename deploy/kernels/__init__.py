"""Kernel variants, one file per operator and instruction set; all of them in :data:`KERNELS`."""

from deploy.kernels.add import PortableAdd, SmladAdd
from deploy.kernels.base import Kernel
from deploy.kernels.conv import PortableConv, PortableDepthwise
from deploy.kernels.conv_dsp import SmladConv, SmladDepthwise
from deploy.kernels.dense import PortableDense, SmladDense
from deploy.kernels.elementwise import PortableArgMax, PortableRequantize, PortableTable
from deploy.kernels.movement import PortableConcat, PortablePad, PortableReshape, PortableSlice
from deploy.kernels.pool import DspAveragePool, DspMaxPool, PortableAveragePool, PortableMaxPool

KERNELS: tuple[Kernel, ...] = (
    PortableConv(),
    PortableDepthwise(),
    SmladConv(),
    SmladDepthwise(),
    PortableDense(),
    SmladDense(),
    PortableAdd(),
    SmladAdd(),
    PortableAveragePool(),
    DspAveragePool(),
    PortableMaxPool(),
    DspMaxPool(),
    PortableTable(),
    PortableRequantize(),
    PortableArgMax(),
    PortableConcat(),
    PortableSlice(),
    PortablePad(),
    PortableReshape(),
)
