"""Exact arithmetic whose cost is bounded whatever it is asked.

Every number is a decimal of at most 100 digits and an exponent of at most four, so no operation
can take long; ``simpleeval`` walks the syntax tree and knows only the nodes listed here.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable
from decimal import (
    ROUND_HALF_UP,
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
    localcontext,
)
from typing import Any

from simpleeval import (  # type: ignore[import-untyped]
    FunctionNotDefined,
    InvalidExpression,
    NameNotDefined,
    SimpleEval,
)

from argent_hookspecs import ToolError

LONGEST = 300
DIGITS = 100
SHOWN_DIGITS = 15
NOT_REAL = "this has no result among the real numbers"
LARGEST_FACTORIAL = 1000

_NODES = (ast.BinOp, ast.UnaryOp, ast.Call, ast.Name, ast.Constant, ast.Compare)
_KNOWN_CHARACTERS = re.compile(r"[\w\s.+\-*/%^(),<>=!]*")
_NUMBER = r"(\d+\.?\d*|\.\d+)"
_REWRITES = (
    (re.compile(r"[×·]"), "*"),
    (re.compile(r"÷"), "/"),
    (re.compile(r"[−–]"), "-"),
    (re.compile(r"[$€£\n]"), " "),
    (re.compile(r"\^"), "**"),
    (re.compile(r"=\s*\??\s*$"), ""),
    (re.compile(rf"{_NUMBER}\s*%\s*of\b"), r"percent(\1)*"),
    (re.compile(rf"{_NUMBER}\s*%(?!\s*[\w.(])"), r"percent(\1)"),
    (re.compile(r"\b(\d+)\s*!(?!=)"), r"factorial(\1)"),
)
_THOUSANDS = re.compile(r"(?<![\w.,])\d{1,3}(?:,\d{3})+(?![\d,])")
_CALL = re.compile(r"[A-Za-z_]\s*\(")


def _context() -> Context:
    traps: list[type[DecimalException]] = [DivisionByZero, InvalidOperation, Overflow]
    return Context(prec=DIGITS, Emax=9999, Emin=-9999, traps=traps)


def _whole(value: Decimal) -> int:
    if value != value.to_integral_value() or abs(value) >= Decimal(10) ** DIGITS:
        raise ToolError("this function takes whole numbers of at most 100 digits")
    return int(value)


def _floor_divide(left: Decimal, right: Decimal) -> Decimal:
    return (left / right).to_integral_value(rounding="ROUND_FLOOR")


def _floor_modulo(left: Decimal, right: Decimal) -> Decimal:
    return left - right * _floor_divide(left, right)


def _factorial(value: Decimal) -> Decimal:
    count = _whole(value)
    if not 0 <= count <= LARGEST_FACTORIAL:
        raise ToolError(f"factorial takes a whole number from 0 to {LARGEST_FACTORIAL}")
    return +Decimal(math.factorial(count))


def _round(value: Decimal, places: Decimal = Decimal(0)) -> Decimal:
    digits = _whole(places)
    if abs(digits) > DIGITS:
        raise ToolError(f"round takes at most {DIGITS} decimal places")
    with localcontext() as context:
        context.prec = 3 * DIGITS
        return value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)


def _with_floats(function: Callable[..., float]) -> Callable[..., Decimal]:
    def compute(*values: Decimal) -> Decimal:
        result = round(function(*map(float, values)), SHOWN_DIGITS)
        return Decimal(repr(result)) + _mark_inexact()

    return compute


def _mark_inexact() -> Decimal:
    return Decimal(1) / 3 * 0


def _tangent(value: float) -> float:
    result = math.tan(value)
    if abs(result) > 1e15:
        raise ValueError("a pole of the tangent")
    return result


def _power(base: Decimal, exponent: Decimal) -> Decimal:
    if exponent == 0:
        return Decimal(1)
    if base == 0 and exponent < 0:
        raise ZeroDivisionError
    return base**exponent


def _root(value: Decimal) -> Decimal:
    return value.sqrt()


def _cube_root(value: Decimal) -> Decimal:
    root = (abs(value) ** (Decimal(1) / 3)).copy_sign(value)
    nearest = round(root, SHOWN_DIGITS) if abs(root) < 10**DIGITS else root
    return nearest if nearest**3 == value else root


def _log(value: Decimal, base: Decimal | None = None) -> Decimal:
    return value.ln() if base is None else value.ln() / base.ln()


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": operator.abs,
    "acos": _with_floats(math.acos),
    "asin": _with_floats(math.asin),
    "atan": _with_floats(math.atan),
    "atan2": _with_floats(math.atan2),
    "cbrt": _cube_root,
    "ceil": lambda value: value.to_integral_value(rounding="ROUND_CEILING"),
    "cos": _with_floats(math.cos),
    "cosh": _with_floats(math.cosh),
    "degrees": _with_floats(math.degrees),
    "exp": Decimal.exp,
    "factorial": _factorial,
    "floor": lambda value: value.to_integral_value(rounding="ROUND_FLOOR"),
    "gcd": lambda *values: Decimal(math.gcd(*map(_whole, values))),
    "hypot": lambda *values: sum((value * value for value in values), Decimal(0)).sqrt(),
    "lcm": lambda *values: +Decimal(math.lcm(*map(_whole, values[:10]))),
    "ln": Decimal.ln,
    "log": _log,
    "log10": Decimal.log10,
    "log2": lambda value: _log(value, Decimal(2)),
    "max": max,
    "mean": lambda *values: sum(values, Decimal(0)) / len(values),
    "min": min,
    "percent": lambda value: value / 100,
    "pow": _power,
    "radians": _with_floats(math.radians),
    "round": _round,
    "sin": _with_floats(math.sin),
    "sinh": _with_floats(math.sinh),
    "sqrt": _root,
    "sum": lambda *values: sum(values, Decimal(0)),
    "tan": _with_floats(_tangent),
    "tanh": _with_floats(math.tanh),
}

_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: _floor_divide,
    ast.Mod: _floor_modulo,
    ast.Pow: _power,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}

_CONSTANTS = {
    "pi": Decimal("3.14159265358979323846264338327950288419716939937510582097494459"),
    "e": Decimal("2.71828182845904523536028747135266249775724709369995957496696763"),
    "tau": Decimal("6.28318530717958647692528676655900576839433879875021164194988918"),
}


class _Evaluator(SimpleEval):  # type: ignore[misc]
    """Walks a syntax tree; a percentage after plus or minus is of what stands before it."""

    nodes: dict[type[ast.AST], Callable[[Any], Any]]

    def __init__(self, tree: ast.expr) -> None:
        super().__init__(operators=_OPERATORS, functions=_FUNCTIONS, names={})
        self._tree = tree
        self.nodes = {kind: self.nodes[kind] for kind in _NODES}
        self.nodes[ast.Constant] = self._number
        self.nodes[ast.Name] = _constant
        self.nodes[ast.BinOp] = self._binary
        self.nodes[ast.Compare] = self._compare

    def _number(self, node: ast.Constant) -> Decimal:
        if type(node.value) not in (int, float):
            raise ToolError("only numbers, operators and functions can be calculated")
        return +Decimal(repr(node.value))

    def _compare(self, node: ast.Compare) -> Any:
        # A truth value inside a sum would be an unbounded integer of Python.
        if node is not self._tree:
            raise ToolError("a comparison cannot be part of a calculation")
        return self._eval_compare(node)

    def _binary(self, node: ast.BinOp) -> Any:
        match node.op, node.right:
            case (ast.Add() | ast.Sub(), ast.Call(func=ast.Name(id="percent"))):
                left = self._eval(node.left)
                return _OPERATORS[type(node.op)](left, left * self._eval(node.right))
        return self._eval_binop(node)


def _constant(node: ast.Name) -> Decimal:
    if node.id not in _CONSTANTS:
        raise NameNotDefined(node.id, "")
    return _CONSTANTS[node.id] + _mark_inexact()


def _rewrite(expression: str) -> str:
    text = expression.strip()
    if not _CALL.search(text):
        text = _THOUSANDS.sub(lambda match: match[0].replace(",", ""), text)
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    if not _KNOWN_CHARACTERS.fullmatch(text):
        raise ToolError(
            "only numbers, + - * / ^ % ( ) and functions such as sqrt(2) can be calculated"
        )
    return text.strip()


def _show(result: Any, context: Context) -> str:
    if isinstance(result, bool):
        return "true" if result else "false"
    if not result.is_finite():
        raise ToolError(NOT_REAL)
    if context.flags[Inexact]:
        context.prec = SHOWN_DIGITS
        result = +result
    if result == 0:
        return "0"
    exponent = result.adjusted()
    if result == result.to_integral_value() and exponent < DIGITS:
        return str(int(result))
    if not -7 <= exponent < DIGITS:
        return str(result.normalize()).replace("E+", "e").replace("E", "e")
    return f"{result:f}".rstrip("0").rstrip(".")


def evaluate(expression: str) -> str:
    """Evaluate an arithmetic expression and return the result as text.

    Exact where the result has at most 100 digits, else rounded to 15. ``^`` is power, ``20% of 50``
    and ``50 + 20%`` mean what they say, ``5!`` is a factorial.

    Raises:
        ToolError: The expression cannot be calculated; says why.

    >>> evaluate("0.1 + 0.2")
    '0.3'
    >>> evaluate("1,200 + 15%")
    '1380'
    """
    if len(expression) > LONGEST:
        raise ToolError(f"the expression is longer than {LONGEST} characters; split it up")
    with localcontext(_context()) as context:
        try:
            tree = ast.parse(_rewrite(expression), mode="eval").body
            return _show(_Evaluator(tree).eval(expression, previously_parsed=tree), context)
        except FunctionNotDefined as error:
            known = ", ".join(sorted(_FUNCTIONS))
            raise ToolError(f"there is no function {error.func_name}; use {known}") from error
        except NameNotDefined as error:
            raise ToolError(
                f"{error.name} is not a number; put its value in, or use pi, e or tau"
            ) from error
        except InvalidExpression as error:
            raise ToolError("only arithmetic can be calculated") from error
        except (SyntaxError, RecursionError, MemoryError) as error:
            raise ToolError(
                f"{expression[:60]!r} is not an expression such as (2 + 3) * 4"
            ) from error
        except (DivisionByZero, ZeroDivisionError) as error:
            raise ToolError("division by zero") from error
        except (Overflow, OverflowError) as error:
            raise ToolError("the result is too large") from error
        except (InvalidOperation, ValueError) as error:
            raise ToolError(NOT_REAL) from error
        except TypeError as error:
            raise ToolError("a function was given the wrong number or kind of values") from error
