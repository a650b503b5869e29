"""Reading and writing at addresses, for compiled loops.

Those loops take addresses (``array.ctypes.data``) and not arrays: numba counts references to arrays
wherever they are handed on, which cost more here than cutting the text (30 of 45 ns a word).
Nothing checks bounds: the caller keeps the array alive, and pads what is read eight bytes at a
time. Bytes are taken to be in little-endian order.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

_BYTE, _INT32, _INT64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)


@intrinsic
def load_u8(_typing: Any, address: Any, offset: Any) -> Any:
    """Return the byte at ``address + offset`` as an int64."""
    return types.int64(address, offset), _loading(_BYTE, lambda builder: builder.zext)


@intrinsic
def load_i32(_typing: Any, address: Any, offset: Any) -> Any:
    """Return the int32 at ``address + offset`` as an int64."""
    return types.int64(address, offset), _loading(_INT32, lambda builder: builder.sext)


@intrinsic
def load_i64(_typing: Any, address: Any, offset: Any) -> Any:
    """Return the int64 at ``address + offset``."""
    return types.int64(address, offset), _loading(_INT64, lambda builder: builder.bitcast)


@intrinsic
def load_u64(_typing: Any, address: Any, offset: Any) -> Any:
    """Return the eight bytes from ``address + offset`` on as one uint64."""
    return types.uint64(address, offset), _loading(_INT64, lambda builder: builder.bitcast)


@intrinsic
def store_i32(_typing: Any, address: Any, offset: Any, _value: Any) -> Any:
    """Write an int64 that fits into an int32 to ``address + offset``."""
    return types.void(address, offset, types.int64), _storing(_INT32)


@intrinsic
def store_u64(_typing: Any, address: Any, offset: Any, _value: Any) -> Any:
    """Write a uint64 to ``address + offset``."""
    return types.void(address, offset, types.uint64), _storing(_INT64)


@intrinsic
def prefetch(_typing: Any, address: Any, offset: Any) -> Any:
    """Bring the line of cache at ``address + offset`` near, to be read and written soon.

    A hint: nothing is read, and no address is wrong.
    """

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        pointer = _pointer(builder, arguments, _BYTE)
        kind = ir.FunctionType(ir.VoidType(), [pointer.type, _INT32, _INT32, _INT32])
        function = builder.module.declare_intrinsic("llvm.prefetch", [pointer.type], kind)
        to_write, keep_long, data = _INT32(1), _INT32(3), _INT32(1)
        builder.call(function, [pointer, to_write, keep_long, data])
        return context.get_dummy_value()

    return types.void(address, offset), generate


def _pointer(builder: Any, arguments: Any, kind: Any) -> Any:
    return builder.inttoptr(builder.add(*arguments[:2]), kind.as_pointer())


def _loading(kind: Any, widen: Callable[[Any], Any]) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        value = builder.load(_pointer(builder, arguments, kind), align=1)
        return widen(builder)(value, _INT64)

    return generate


def _storing(kind: Any) -> Any:
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        value = arguments[2]
        if kind != _INT64:
            value = builder.trunc(value, kind)
        builder.store(value, _pointer(builder, arguments, kind), align=1)
        return context.get_dummy_value()

    return generate
