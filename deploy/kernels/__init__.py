"""Kernel variants, one file per operator and instruction set; all of them in :data:`KERNELS`."""

from deploy.kernels.add import PortableAdd, SmladAdd
from deploy.kernels.base import Kernel
from deploy.kernels.binary import PortableBinaryConv, PortableBinaryDense
from deploy.kernels.binary_dsp import DspBinaryConv, DspBinaryDense
from deploy.kernels.binary_xpulp import XpulpBinaryConv, XpulpBinaryDense
from deploy.kernels.bits import PortableArgMin, PortableBind, PortableBundle, PortableHamming
from deploy.kernels.bits_dsp import DspHamming
from deploy.kernels.bits_xpulp import XpulpBind, XpulpBindSeed, XpulpBundle, XpulpHamming
from deploy.kernels.class_memory import PortableAccumulate, PortableCount, PortableErase, PortableMajority
from deploy.kernels.class_memory_xpulp import XpulpAccumulate, XpulpErase, XpulpMajority
from deploy.kernels.columns_dsp import SmlaColumns
from deploy.kernels.columns_xpulp import XpulpColumns
from deploy.kernels.conv import PortableConv, PortableDepthwise
from deploy.kernels.conv_dsp import SmladConv, SmladDepthwise
from deploy.kernels.conv_line import SmladLine
from deploy.kernels.conv_xpulp import XpulpConv
from deploy.kernels.dense import PortableDense, SmladDense
from deploy.kernels.dense_xpulp import XpulpDense
from deploy.kernels.depthwise_xpulp import XpulpDepthwise
from deploy.kernels.elementwise import PortableArgMax, PortableRequantize, PortableTable
from deploy.kernels.elementwise_xpulp import XpulpAdd, XpulpAveragePool, XpulpMaxPool, XpulpRequantize, XpulpTable
from deploy.kernels.encoders import PortableBinarize, PortableLevelEncode, PortableProject
from deploy.kernels.encoders_dsp import DspBinarize, DspLevelEncode, DspProject
from deploy.kernels.encoders_xpulp import XpulpBinarize, XpulpLevelEncode, XpulpProject
from deploy.kernels.movement import PortableConcat, PortablePad, PortableReshape, PortableSlice, PortableTranspose
from deploy.kernels.movement_xpulp import XpulpConcat, XpulpPad, XpulpReshape, XpulpSlice, XpulpTranspose
from deploy.kernels.planes_xpulp import XpulpPlanes
from deploy.kernels.pool import DspAveragePool, DspMaxPool, PortableAveragePool, PortableMaxPool
from deploy.kernels.rows_xpulp import XpulpRows

KERNELS: tuple[Kernel, ...] = (
    PortableConv(),
    PortableDepthwise(),
    SmladConv(),
    SmladDepthwise(),
    SmladLine(),
    SmlaColumns(),
    XpulpConv(),
    XpulpDepthwise(),
    XpulpRows(),
    XpulpColumns(),
    XpulpPlanes(),
    PortableDense(),
    SmladDense(),
    XpulpDense(),
    PortableAdd(),
    SmladAdd(),
    XpulpAdd(),
    PortableAveragePool(),
    DspAveragePool(),
    XpulpAveragePool(),
    PortableMaxPool(),
    DspMaxPool(),
    XpulpMaxPool(),
    PortableTable(),
    XpulpTable(),
    PortableRequantize(),
    XpulpRequantize(),
    PortableArgMax(),
    PortableArgMin(),
    PortableBinarize(),
    PortableLevelEncode(),
    PortableProject(),
    DspBinarize(),
    DspLevelEncode(),
    DspProject(),
    XpulpBinarize(),
    XpulpLevelEncode(),
    XpulpProject(),
    PortableBind(),
    PortableBundle(),
    PortableHamming(),
    DspHamming(),
    XpulpHamming(),
    XpulpBind(),
    XpulpBindSeed(),
    XpulpBundle(),
    PortableBinaryDense(),
    DspBinaryDense(),
    XpulpBinaryDense(),
    PortableBinaryConv(),
    DspBinaryConv(),
    XpulpBinaryConv(),
    PortableConcat(),
    XpulpConcat(),
    PortableSlice(),
    XpulpSlice(),
    PortablePad(),
    XpulpPad(),
    PortableReshape(),
    XpulpReshape(),
    PortableTranspose(),
    XpulpTranspose(),
    PortableAccumulate(),
    XpulpAccumulate(),
    PortableCount(),
    PortableErase(),
    XpulpErase(),
    PortableMajority(),
    XpulpMajority(),
)
