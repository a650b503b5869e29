"""Asking for memory before it is needed, so that several waits pass at once."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic


@intrinsic
def prefetch(_typing: Any, address: Any, position: Any) -> Any:
    """Bring the line of cache at ``address + position`` near, to be read and written soon.

    A hint: nothing is read, and no address is wrong.
    """

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        byte = ir.IntType(8).as_pointer()
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        pointer = builder.inttoptr(builder.add(*arguments), byte)
        to_write, keep_long, data = number(1), number(3), number(1)
        builder.call(function, [pointer, to_write, keep_long, data])
        return context.get_dummy_value()

    return types.void(address, position), generate
