// The Python kernel by itself: a function or class that comes back is the one that was there, and not another of its name.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { SLOW_MS } from "../process/harness.ts";
import { hasPython } from "./contexts.ts";
import { PythonKernel } from "./python-kernel.ts";

interface Case {
  readonly title: string;
  /** One run each. */
  readonly runs: readonly string[];
  /** Is the same before and after, however often it is saved. */
  readonly look: string;
  readonly is: string;
}

const COUNTED = `
import functools
def counted(f):
    calls = 0
    @functools.wraps(f)
    def call(*given):
        nonlocal calls
        calls += 1
        call.last = given
        return f(*given)
    call.count = lambda: calls
    return call`;

const KEPT: readonly Case[] = [
  {
    title: "the last of several statements counts",
    runs: ["def f(): return 1\ndef f(): return 2\ng = lambda: 1\ng = lambda: 2\na = 1; h = lambda: 3"],
    look: "f(), g(), h()",
    is: "(2, 2, 3)",
  },
  {
    title: "of branches, the one that was taken",
    runs: [
      "if False:\n  def f(): return 'if'\nelse:\n  def f(): return '''el\nse'''",
      "try:\n  def g(): return 'try'\n  1 / 0\nexcept ZeroDivisionError:\n  def g(): return 'except'",
      "if f:\n  class A:\n    n = 1\nelse:\n  class A:\n    n = 2\na = A()",
    ],
    look: "f(), g(), a.n, type(a) is A",
    is: "('el\\nse', 'except', 1, True)",
  },
  {
    title: "what was imported is not what would have been defined",
    runs: [
      "try:\n  from json import loads\nexcept ImportError:\n  def loads(text): return 'mine'",
      "def dumps(value): return 'mine'\nmine = dumps",
      "from json import dumps",
    ],
    look: "loads('[1]'), dumps([1]), mine(1)",
    is: "([1], '[1]', 'mine')",
  },
  {
    title: "stubs of overloads are not the function",
    runs: [
      "from typing import overload\n@overload\ndef f(x: int) -> int: ...\n@overload\ndef f(x: str) -> str: ...\ndef f(x): return x",
    ],
    look: "f(3)",
    is: "3",
  },
  {
    title: "a function under a cache of its own name",
    runs: [
      "from functools import lru_cache\ndef fact(n): return 1 if n < 2 else n * fact(n - 1)\nfact = lru_cache(maxsize=7)(fact)",
    ],
    look: "fact(5), fact.cache_info().maxsize",
    is: "(120, 7)",
  },
  {
    title: "those of a loop, each with what it was given",
    runs: [
      "def times(n):\n  def wrap(f):\n    def call(): return f() * n\n    return call\n  return wrap",
      `
plain, wrapped, objects = [], [], []
for n in (1, 2):
  def f(m=n): return m
  plain.append(f)
  @times(n)
  def g(): return 'x'
  wrapped.append(g)
  class A: k = n
  objects.append(A())`,
    ],
    look: "[f() for f in plain], [g() for g in wrapped], [a.k for a in objects], f(), type(objects[0]) is A",
    is: "([1, 2], ['x', 'xx'], [1, 2], 2, False)",
  },
  {
    title: "what decorators have around a function, and what has become of it",
    runs: [COUNTED, "@counted\ndef f(n=5): return n\nf(1); f(2)"],
    look: "f.last, f.count(), f.__wrapped__()",
    is: "((2,), 2, 5)",
  },
  {
    title: "a function in an object that its decorator has made",
    runs: [
      "class Command:\n  def __init__(self, f): self.f, self.uses = f, 0\n@Command\ndef f(): return 'f'\nf.uses += 3",
    ],
    look: "f.uses, f.f()",
    is: "(3, 'f')",
  },
  {
    title: "decorators that note a function are not asked again",
    runs: [
      "noted, count = [], 0\ndef note(f):\n  global count\n  count += 1; noted.append(f); return f",
      "@note\ndef f(): return 'f'\n@note\ndef g(): return 'g'",
    ],
    look: "count, [each() for each in noted], noted[0] is f",
    is: "(2, ['f', 'g'], True)",
  },
  {
    title: "a generic function with all of its implementations",
    runs: [
      `
import functools
@functools.singledispatch
def f(x): return 'any'
@f.register
def _(x: int): return 'int'
@f.register
def _(x: str): return 'str'`,
    ],
    look: "f(1), f('a'), f(1.5), len(f.registry)",
    is: "('int', 'str', 'any', 3)",
  },
  {
    title: "a class with what was changed in it",
    runs: [
      `
class A:
  def one(self): return 1
  def two(self): return 2
  def gone(self): pass
  size = 1
  lost = 1`,
      `
def three(self): return 3
bound = A().one
A.two, A.three, A.four = A.one, three, staticmethod(three)
del A.gone, A.lost
A.size = 2
method = A.two`,
    ],
    look: "A().two(), A().three(), A.four(0), hasattr(A, 'gone'), hasattr(A, 'lost'), A.size, method is A.one, bound()",
    is: "(1, 3, 3, False, False, 2, True, 1)",
  },
  {
    title: "what was given when nothing is given, though its name is another value's by now",
    runs: [
      `
import dataclasses
n = 5
class A:
  def f(self, m=n, *, k=[n]): return m, k
@dataclasses.dataclass
class D:
  x: int = n
  y: list = dataclasses.field(default_factory=list)
def g(m=n): return m`,
      "n = 6\ng.__defaults__ = (7,)\ng.tag = 'tag'\nA.f.__kwdefaults__['k'].append(8)",
    ],
    look: "A().f(), D(), dataclasses.fields(D)[0].default, g(), g.tag",
    is: "((5, [5, 8]), D(x=5, y=[]), 5, 7, 'tag')",
  },
  {
    title: "an older class, with what was made of it",
    runs: [
      "class A:\n  def hi(self): return 'old'\nclass B(A):\n  class C: pass\nold, b, c = A(), B(), B.C()",
      "class A:\n  def hi(self): return 'new'\nnew = A()",
    ],
    look: "old.hi(), new.hi(), b.hi(), isinstance(b, type(old)), isinstance(b, A), type(c) is B.C",
    is: "('old', 'new', 'old', True, False, True)",
  },
  {
    title: "a class of what is another by now, also where it waits for a value",
    runs: [
      "size = 3\ndef helper(self): return 'old'\nclass Base: v = 1\nclass A(Base):\n  n = size\n  f = helper",
      "def helper(self): return 'new'\nclass Base: v = 2",
    ],
    look: "A.n, A.v, A().f(), Base.v, helper(0), issubclass(A, Base)",
    is: "(3, 1, 'old', 2, 'new', False)",
  },
  {
    title: "what a class holds, whatever its class is",
    runs: [
      `
class Meta(type): pass
class Field:
  def __init__(self, value): self.value, self.seen = value, []
  def __get__(self, one, kind): return self if one is None else self.value
class A(metaclass=Meta):
  n, names = 0, []
  field = Field(3)`,
      "A.n = 5; A.names.append(1); A.__doc__ = 'about'; A.field.value = 4; A.field.seen.append(A)",
    ],
    look: "A.n, A.names, A.__doc__, A().field, A.field.seen == [A], type(A) is Meta",
    is: "(5, [1], 'about', 4, True, True)",
  },
  {
    title: "functions that have another name now, or whose name is another value's",
    runs: [
      `
def f(): return 1
g = f
def f(): return 2
def h(): return 3
kept = [h]
h = 4
def i(): return 5
j = i
del i`,
    ],
    look: "g(), f(), kept[0](), h, j(), 'i' in globals()",
    is: "(1, 2, 3, 4, 5, False)",
  },
  {
    title: "annotations that nobody asks for yet",
    runs: [
      "from __future__ import annotations\nclass Node:\n  def add(self, other: Node) -> Node: return other\nnode = Node()",
    ],
    look: "type(node.add(node)) is Node, Node.add.__annotations__['other']",
    is: "(True, 'Node')",
  },
  {
    title: "generic classes, and the variables of types",
    runs: [
      `
from typing import Generic, TypeVar
T = TypeVar('T', bound=int)
class Box(Generic[T]):
  def __init__(self, held: T): self.held = held
box, alias = Box[int](3), Box[T]`,
    ],
    look: "box.held, T, T.__bound__, alias.__parameters__[0] is T, type(box) is Box",
    is: "(3, ~T, <class 'int'>, True, True)",
  },
];

describe.skipIf(!hasPython)("when it is brought back", () => {
  let values: string;
  let workspace: string;
  beforeAll(() => {
    values = mkdtempSync(`${tmpdir()}/buntime-definitions-`);
    workspace = mkdtempSync(`${tmpdir()}/buntime-definitions-`);
  });
  afterAll(() => {
    for (const directory of [values, workspace]) rmSync(directory, { recursive: true });
  });

  async function slept(kernel: PythonKernel): Promise<{ readonly next: PythonKernel; readonly dropped: string[] }> {
    const dropped = await kernel.values("save", values);
    await kernel.end();
    const next = new PythonKernel(workspace);
    dropped.push(...(await next.values("restore", values)));
    return { next, dropped: dropped.toSorted() };
  }

  for (const { title, runs, look, is } of KEPT) {
    test(
      title,
      async () => {
        let kernel = new PythonKernel(workspace);
        for (const code of runs) await kernel.run(code);
        expect(await kernel.run(`print((${look}))`)).toBe(`${is}\n`);
        for (let time = 0; time < 2; time++) {
          const { next, dropped } = await slept(kernel);
          kernel = next;
          expect({ dropped, shown: await kernel.run(`print((${look}))`) }).toEqual({ dropped: [], shown: `${is}\n` });
        }
        await kernel.end();
      },
      SLOW_MS,
    );
  }

  test(
    "what would be another one is told by name, and so is what holds it",
    async () => {
      const kernel = new PythonKernel(workspace);
      await kernel.run(`
import socket
from collections import namedtuple
def wrap(f):
    def call(): return "first " + f()
    return call
@wrap
def wrapped(): return "f"
fields = "a b"
Pair = namedtuple("Pair", fields)
pair, flag = Pair(1, 2), True
class Switched:
    if flag:
        def f(self): return 1
    else:
        def f(self): return 2
def outer():
    global inner
    def inner(): return 1
    return lambda: 2
nested = outer()
def swapped(): return 1
def older(s=socket.socket()): return s
holders = [older]
class Patched:
    def f(self): return 1
Patched.f = lambda self: 2
fine = 1`);
      await kernel.run(`
def wrap(f):
    def call(): return "second " + f()
    return call
def other(): return 2
swapped.__code__ = other.__code__
def older(): return "newer"
fields, flag = "c d", False`);
      const { next, dropped } = await slept(kernel);
      expect(dropped).toEqual(
        // prettier-ignore
        ["Pair", "Patched.f", "Switched", "holders", "inner", "nested", "pair", "swapped", "wrapped"],
      );
      expect(await next.run("print(fine, older(), other(), 'wrapped' in globals())")).toBe("1 newer 2 False\n");
      await next.end();
    },
    SLOW_MS,
  );

  test(
    "the working directory is the same, and modules are those that were imported",
    async () => {
      mkdirSync(`${workspace}/sub`);
      for (const [name, text] of [
        ["here.py", "class Thing: pass\nWHERE = 'here'"],
        ["sub/here.py", "WHERE = 'sub'"],
        ["sub/there.py", "class Other: pass"],
        ["sub/a.txt", "text"],
      ] as const) {
        writeFileSync(`${workspace}/${name}`, text);
      }
      const kernel = new PythonKernel(workspace);
      await kernel.run(
        "import os, sys, here\nsys.path.append('/nowhere')\nthing = here.Thing()\nos.chdir('sub')\nimport there\nother = there.Other()\ndel there",
      );
      const { next, dropped } = await slept(kernel);
      expect(dropped).toEqual([]);
      const look =
        "print(open('a.txt').read(), sys.path[-1], here.WHERE, type(thing) is here.Thing, type(other).__module__)";
      expect(await next.run(look)).toBe("text /nowhere here True there\n");
      await next.run(`os.mkdir("${workspace}/gone"); os.chdir("${workspace}/gone"); os.rmdir("${workspace}/gone")`);
      const { next: last } = await slept(next);
      expect(await last.run("print(os.getcwd())")).toBe(`${workspace}\n`);
      await last.end();
    },
    SLOW_MS,
  );
});
