"""What names stand for: in a function, in a class, in a module, and through the imports of other modules."""

from collections.abc import Iterable, Iterator, Sequence

import libcst as cst

from poolcheck.read.python.syntax.arguments import Passed, order_of, passed
from poolcheck.read.python.syntax.bindings import bound_in, dotted, inside, returned
from poolcheck.read.python.syntax.bound import (
    Binding,
    bound_at_top,
    bound_in_body,
    bound_in_methods,
    is_set_outside,
)
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.syntax.slices import Piece
from poolcheck.read.python.values.records import Said, position_of, reads_variables, said_of
from poolcheck.read.python.values.scope import (
    UNSEEN,
    Bindings,
    Call,
    Calls,
    Class,
    Definition,
    Scope,
    Trail,
    class_in_annotation,
    class_named,
    imported,
    is_kept,
    joined,
    lineage,
    loop_around,
    outset,
)

MAKING = frozenset({"__attrs_post_init__", "__init__", "__post_init__", "model_post_init"})
"""Methods that are called once for every object that is made."""


def definitions(node: cst.CSTNode, scope: Scope, trail: Trail | None = None) -> Bindings:
    """What the name, or the attribute, that an expression is may be bound to."""
    if (on := (trail or outset()).on()) is None:
        return UNSEEN
    match node:
        case cst.Name(value=name):
            return _until(node, scope, _of_name(name, scope, on))
        case cst.Attribute(value=base, attr=cst.Name(value=name)):
            return _until(node, scope, attribute_of(base, name, scope, on))
        case _:
            return UNSEEN


def attribute_of(base: cst.CSTNode, name: str, scope: Scope, trail: Trail | None = None) -> Bindings:
    """What an attribute of an object, a class or a module may be bound to."""
    on = trail or outset()
    if owner := class_named(base, scope):
        return in_class(owner, name, is_itself=True)
    objects = objects_of(base, scope, on)
    if any(objects):
        return _in_objects(objects, name, on)
    target = joined(imported(base, scope), name)
    found = scope.module.project.find(target, scope.module.path) if target else None
    return in_module(*found, trail=on) if found and found[1] else UNSEEN


def in_module(module: Module, name: str, piece: Piece | None = None, *, trail: Trail | None = None) -> Bindings:
    """What binds a name of a module, be it in another module that this one, or a piece of it, imports it from."""
    if (on := (trail or outset()).on()) is None:
        return UNSEEN
    first, _, rest = name.partition(".")
    found: list[Binding] = []
    if module.imported(first, piece) == module.imported(first):
        found += bound_at_top(first, module)
    if found and rest:
        return UNSEEN
    own = _bindings(found, module)
    if target := joined(module.imported(first, piece), rest):
        imported = _followed(target, module, on)
        return Bindings(own.definitions + imported.definitions, own.is_complete and imported.is_complete)
    if found:
        return own
    everything = [each.target.removesuffix("*") + name for each in module.imports if each.name == "*"]
    found_there = (_followed(target, module, on) for target in reversed(everything))
    return next((bindings for bindings in found_there if bindings.definitions), UNSEEN)


def in_class(owner: Class, name: str, trail: Trail | None = None, *, is_itself: bool = False) -> Bindings:
    """What binds an attribute of the objects of a class, or of the class itself.

    That is its body, its methods, or a base of it; where it is not exact, a class that inherits from it as well.
    """
    bindings = _in_lineage(owner, name, is_itself=is_itself)
    if bindings.is_complete and trail and trail.callers and not is_itself and trail.callers.sets(owner, name):
        bindings = bindings._replace(is_complete=False)
    if is_itself or owner.is_exact or trail is None or trail.callers is None:
        is_given = lineage(owner).is_record and not (owner.call or is_itself or (trail and trail.callers))
        if is_given and any(map(_is_field, bindings.definitions)):
            return bindings._replace(is_complete=False)
        return bindings
    own = {definition.scope.owner.itself for definition in bindings.definitions if definition.scope.owner}
    for heir in trail.callers.heirs(owner):
        other = _in_lineage(heir, name)
        new = tuple(each for each in other.definitions if each.scope.owner and each.scope.owner.itself not in own)
        is_complete = bindings.is_complete and (other.is_complete or not new)
        bindings = Bindings((*bindings.definitions, *new), is_complete)
    return bindings


def class_of(node: cst.CSTNode, scope: Scope, trail: Trail | None = None) -> Class | None:
    """The class of the project that the value of an expression is an object of."""
    objects = objects_of(node, scope, trail)
    return objects[0] if len({each and each.itself for each in objects}) == 1 else None


def objects_of(node: cst.CSTNode, scope: Scope, trail: Trail | None = None) -> tuple[Class | None, ...]:
    """What the value of an expression may be an object of, None for what is not known; nothing for `None`."""
    if (on := (trail or outset()).on()) is None:
        return (None,)
    match node:
        case cst.Name(value="None"):
            return ()
        case cst.Name(value="self" | "cls") if scope.owner and scope.functions:
            return (scope.this or scope.owner.itself,)
        case cst.Await(expression=inner) | cst.NamedExpr(value=inner):
            return objects_of(inner, scope, on)
        case cst.IfExp(body=one, orelse=other) | cst.BooleanOperation(left=one, right=other):
            return (*objects_of(one, scope, on), *objects_of(other, scope, on))
        case cst.Call() | cst.Subscript() if elements := elements_of(node, scope, on):
            return tuple(each for element, around in elements for each in objects_of(element, around, on))
        case cst.Call():
            return _objects_made(node, scope, on)
        case cst.Name() | cst.Attribute():
            found = definitions(node, scope, on)
            objects = tuple(each for definition in found.definitions for each in _objects_bound(definition, on))
            is_open = not found.definitions or (on.callers and not found.is_complete)
            return (*objects, None) if is_open else objects
        case _:
            return (None,)


def elements_of(node: cst.CSTNode, scope: Scope, trail: Trail) -> list[tuple[cst.BaseExpression, Scope]]:
    """What `table[key]`, or `table.get(key)`, may be: all that a dictionary is seen to hold, and a default."""
    others: list[tuple[cst.BaseExpression, Scope]] = []
    match node:
        case cst.Subscript(value=table):
            pass
        case cst.Call(func=cst.Attribute(value=table, attr=cst.Name("get")), args=[_, *rest]):
            others = [(argument.value, scope) for argument in rest]
        case _:
            return []
    if isinstance(table, cst.Dict):
        found = [Definition(table, scope)]
    elif isinstance(table, cst.Name | cst.Attribute):
        found = [*definitions(table, scope, trail).definitions]
    else:
        return []
    elements: list[tuple[cst.BaseExpression, Scope]] = []
    for bound, around in found:
        written = bound.value if isinstance(bound, cst.AnnAssign) else bound
        if not isinstance(written, cst.Dict) or len(written.elements) > MOST_ELEMENTS:
            return []
        elements += [(element.value, around) for element in written.elements]
    return [*elements, *others]


MOST_ELEMENTS = 16
"""A larger dictionary is not asked for all that it holds."""


def _classes_meant(node: cst.CSTNode, scope: Scope, trail: Trail) -> list[Class | None]:
    """The classes that an expression may stand for, None for what is not known; nothing for what is no class."""
    if (on := trail.on()) is None:
        return []
    if found := class_named(node, scope):
        return [found]
    if elements := elements_of(node, scope, on):
        nodes = elements
    elif isinstance(node, cst.Name):
        bound = definitions(node, scope, on).definitions
        nodes = [(each.node, each.scope) for each in bound if isinstance(each.node, cst.BaseExpression)]
    else:
        return []
    meant = [_classes_meant(each, around, on) or [None] for each, around in nodes]
    classes = [each for found_here in meant for each in found_here]
    return classes if any(classes) else []


def functions_called(node: cst.BaseExpression, scope: Scope, trail: Trail | None = None) -> Iterator[Definition]:
    """The functions of the project that an expression, which is called, may stand for."""
    found = definitions(node, scope, trail).definitions
    return (each for each in found if isinstance(each.node, cst.FunctionDef))


def parameters_given(parameter: Definition, trail: Trail) -> Calls:
    """The calls that give a parameter its values: the one that led here, or all that there are."""
    scope = parameter.scope
    if call := scope.call:
        return Calls((call,), is_complete=True)
    if trail.callers is None:
        return Calls()
    calls = trail.callers.of(Definition(scope.functions[-1], scope.outside))
    trail.spend(calls.effort)
    return calls


def _of_name(name: str, scope: Scope, trail: Trail) -> Bindings:
    for depth, function in reversed([*enumerate(scope.functions)]):
        if name in bound_in(function):
            return _within(function, name, scope._replace(functions=scope.functions[: depth + 1], values=()))
    if (
        scope.owner
        and not scope.functions
        and (found := [*_in_body(scope.owner.itself, name, scope.owner.as_class)])
    ):
        return _together(found)
    return in_module(scope.module, name, scope.tree.piece, trail=trail)


def _followed(target: str, module: Module, trail: Trail) -> Bindings:
    """What binds a dotted name that a module imports."""
    found = module.project.find(target, module.path)
    return in_module(*found, trail=trail) if found and found[1] else UNSEEN


def _until(node: cst.CSTNode, scope: Scope, bindings: Bindings) -> Bindings:
    """What binds a name; in what it is bound to itself, as in `url = url + query`, only what bound it before."""
    own = next((each for each in bindings.definitions if _holds(each, node, scope)), None)
    if own is None:
        return bindings
    place = scope.span(node)
    end = own.scope.span(own.node).start
    before = tuple(each for each in bindings.definitions if _is_before(each, end, scope))
    is_once = loop_around(place, scope) is None and not _is_repeated(node, own.scope)
    return Bindings(before, is_complete=bindings.is_complete and bool(before) and is_once)


def _is_repeated(node: cst.CSTNode, scope: Scope) -> bool:
    """Whether each call of a function binds it again: no local name, and no attribute of a new object."""
    if not scope.functions:
        return False
    function = scope.functions[-1]
    if isinstance(node, cst.Attribute):
        return function.name.value not in MAKING
    return dotted(node) not in bound_in(function)


def _holds(definition: Definition, node: cst.CSTNode, scope: Scope) -> bool:
    if definition.scope.tree is not scope.tree or isinstance(definition.node, cst.FunctionDef | cst.Param):
        return False
    return scope.tree.is_inside(node, definition.node)


def _is_before(definition: Definition, end: int, scope: Scope) -> bool:
    return definition.scope.module is not scope.module or definition.scope.span(definition.node).end <= end


def _bindings(found: Iterable[Binding], module: Module) -> Bindings:
    """What binds a name at the top of a module."""
    seen: list[Definition | None] = []
    for bound, tree, function in found:
        scope = Scope(module, tree, (function,) if function else ())
        seen.append(Definition(bound, scope) if bound else None)
    return _together(seen)


def _together(found: Sequence[Definition | None]) -> Bindings:
    seen = tuple(each for each in found if each)
    return Bindings(seen, is_complete=len(seen) == len(found))


def _in_lineage(owner: Class, name: str, *, is_itself: bool = False) -> Bindings:
    """What binds an attribute in a class or, where it does not, in the nearest of its bases that does."""
    for each in lineage(owner).classes:
        this = owner.as_class if is_itself else owner
        found = [*_in_body(each, name, this), *_in_methods(each, name, this, is_itself=is_itself)]
        if found:
            bindings = _together(found)
            return bindings._replace(is_complete=False) if is_set_outside(name, each.module) else bindings
    return UNSEEN


def _in_body(owner: Class, name: str, this: Class | None) -> Iterator[Definition | None]:
    """What the body of a class binds a name to."""
    for bound, tree, _ in bound_in_body(name, owner.module, owner.name):
        yield Definition(bound, Scope(owner.module, tree, owner=owner, this=this)) if bound else None


def _in_methods(owner: Class, name: str, this: Class, *, is_itself: bool) -> Iterator[Definition | None]:
    """What the methods of a class assign to an attribute."""
    for bound, tree, function in bound_in_methods(name, owner.module, owner.name, of_class=is_itself):
        if function:
            scope = Scope(owner.module, tree, owner=owner, this=this)
            call = making_of(owner, this) if function.name.value == "__init__" else None
            yield Definition(bound, scope.inside(function, call)) if bound else None


def making_of(owner: Class, this: Class) -> Call | None:
    """The call of a class's own `__init__` by which an object of it, or of a class below it, is made."""
    call = this.call
    for each in lineage(this).classes:
        if call is None or each == owner:
            return call
        for bound, tree, _ in bound_in_body("__init__", each.module, each.name):
            if isinstance(bound, cst.FunctionDef):
                scope = Scope(each.module, tree, owner=each, this=this).inside(bound, call)
                onward = next((node for node in inside(bound) if _is_super_init(node)), None)
                call = Call(onward, scope) if isinstance(onward, cst.Call) else None
    return None


def _is_super_init(node: cst.CSTNode) -> bool:
    match node:
        case cst.Call(func=cst.Attribute(value=cst.Call(func=cst.Name(value="super")), attr=cst.Name("__init__"))):
            return True
        case _:
            return False


def _in_objects(objects: Iterable[Class | None], name: str, trail: Trail) -> Bindings:
    """What binds an attribute of an object that is one of several."""
    found = [in_class(each, name, trail) if each else UNSEEN for each in dict.fromkeys(objects)]
    together = tuple(definition for bindings in found for definition in bindings.definitions)
    return Bindings(together, is_complete=all(bindings.is_complete for bindings in found))


def _is_field(definition: Definition) -> bool:
    return isinstance(definition.node, cst.AnnAssign) and not definition.scope.functions


def _within(function: cst.FunctionDef, name: str, scope: Scope) -> Bindings:
    return _together([Definition(bound, scope) if bound else None for bound in bound_in(function)[name]])


def _objects_made(call: cst.Call, scope: Scope, trail: Trail) -> tuple[Class | None, ...]:
    """What a call makes or returns objects of."""
    made = _classes_meant(call.func, scope, trail)
    if made:
        return tuple(each and each._replace(call=Call(call, scope), is_exact=True) for each in made)
    match call.func:
        case cst.Name(value="super") if scope.owner:
            bases = lineage(scope.owner).classes[1:]
            return (bases[0]._replace(is_exact=True),) if bases else (None,)
        case cst.Name(value="cls") if scope.owner and scope.functions:
            return ((scope.this or scope.owner)._replace(call=Call(call, scope)),)
        case _:
            return _objects_returned(call, scope, trail)


def _objects_returned(call: cst.Call, scope: Scope, trail: Trail) -> tuple[Class | None, ...]:
    objects: list[Class | None] = []
    for function, around in functions_called(call.func, scope, trail):
        if isinstance(function, cst.FunctionDef):
            objects += _objects_of_function(function, around, Call(call, scope), trail)
    return tuple(dict.fromkeys(objects)) or (None,)


def _objects_of_function(
    function: cst.FunctionDef, around: Scope, call: Call | None, trail: Trail
) -> list[Class | None]:
    """What a function returns objects of: what it is seen to, else what it declares."""
    if trail.callers and not is_kept(function, around):
        return [None]
    within = around.inside(function, call)
    made = [each for value in returned(function) for each in objects_of(value, within, trail)]
    # Where values are asked for, each of several classes tells its own.
    if made and None not in made and (trail.callers or len({each and each.itself for each in made}) == 1):
        return made
    declared = class_named(function.returns.annotation, around) if function.returns else None
    return [declared] if declared else [*made, None]


def _objects_bound(definition: Definition, trail: Trail) -> tuple[Class | None, ...]:
    node, scope = definition
    match node:
        case cst.FunctionDef():
            return (None,)
        case cst.Param():
            return _objects_passed(node, definition, trail)
        case cst.AnnAssign() if scope.owner and not scope.functions:
            return _objects_of_field(node, definition, trail)
        case cst.AnnAssign(annotation=annotation, value=value):
            assigned = objects_of(value, scope, trail) if value else (None,)
            declared = class_named(annotation.annotation, scope) if None in assigned or not assigned else None
            return (declared,) if declared else assigned
        case cst.WithItem(item=item):
            return objects_of(item, scope, trail)
        case _:
            return objects_of(node, scope, trail)


def _objects_passed(parameter: cst.Param, definition: Definition, trail: Trail) -> tuple[Class | None, ...]:
    """What the arguments for a parameter are objects of, else what it declares; nothing where nobody asks."""
    if trail.callers is None and definition.scope.call is None:
        return ()
    scope = definition.scope
    calls = parameters_given(definition, trail)
    objects: list[Class | None] = [] if calls.is_complete else [None]
    for call in calls.found:
        order = order_of(parameter, scope.functions[-1], call.node, is_method=scope.is_method)
        given = passed(call.node, *order)
        if given.node:
            objects += objects_of(given.node, call.scope, trail)
        elif given.is_hidden or given.spread or call.values is not None:
            objects.append(None)
        elif parameter.default:
            objects += objects_of(parameter.default, scope.outside, trail)
    declared = class_in_annotation(parameter.annotation, scope.outside) if None in objects else None
    return (declared,) if declared else tuple(dict.fromkeys(objects))


def _objects_of_field(node: cst.AnnAssign, definition: Definition, trail: Trail) -> tuple[Class | None, ...]:
    """What a field of an object is an object of: what was given for it, its default, or what it declares."""
    scope = definition.scope
    call = scope.this.call if scope.this else None
    name = dotted(node.target) or ""
    given = passed(call.node, name, position_of(name, scope.this)) if call and scope.this else Passed()
    if call and given.node:
        return objects_of(given.node, call.scope, trail)
    declared = class_in_annotation(node.annotation, scope)
    said = said_of(node)
    made = _made_by_default(said, scope, trail)
    if made in {(), (None,)} and declared:
        # Settings make what must be given of the variables for its fields.
        is_read = said.default is None and said.factory is None and reads_variables(scope.this)
        made = (declared._replace(call=Call(None, scope), is_exact=True) if is_read else declared,)
    return tuple(each and each._replace(field=definition) for each in made)


def _made_by_default(said: Said, scope: Scope, trail: Trail) -> tuple[Class | None, ...]:
    if said.factory:
        made = class_named(said.factory, scope)
        return (made._replace(call=Call(None, scope), is_exact=True),) if made else (None,)
    return objects_of(said.default, scope, trail) if said.default else (None,)
