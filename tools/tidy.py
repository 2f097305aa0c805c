#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the rules of the house that a program can check; `tools/tidy.py [ROOT]`.

Prints one line an offence, `file:line: rule: what to do`, and exits 1 when there is any.
The layers are read from the add_module() lines of src/**/CMakeLists.txt.
"""

import fnmatch
import pathlib
import re
import subprocess
import sys
from dataclasses import dataclass, field

MAX_COLUMNS = 100
MAX_FILE_LINES = 800
MAX_FUNCTION_LINES = 70

# docs/ARCHITECTURE.md explains the layers. A module may use `base` and lower layers it declares.
LAYERS = {
    'base': 0,
    'model': 1, 'crypto': 1,
    'codec': 2,
    'net': 3, 'storage': 3, 'auth': 3,
    'tsdb': 4, 'promql': 4, 'scrape': 4, 'catalog': 4, 'prometheus_blocks': 4,
    'access': 5, 'rules': 5, 'alerts': 5,
    'workspace': 6,
    'grafana': 7, 'web_assets': 7,
}
API_LAYER = 8

# (rule, path pattern, reason). The only place where a rule is bent.
EXCEPTIONS = [
    ('file-length', 'web/package-lock.json', 'written by npm'),
    ('words', 'tools/tidy*.py', 'names the words it looks for'),
    ('machine-path', 'tools/tidy*.py', 'names the paths it looks for'),
    ('call', 'src/catalog/backend_test.h', 'the PostgreSQL under test is named by the environment'),
]

CXX = {'.h', '.cc'}
SPDX = {'.h', '.cc', '.py', '.cmake', '.sh', '.mjs', '.ts', '.tsx', '.js'}
TEXT = SPDX | {'.md', '.txt', '.yaml', '.yml', '.json', '.css', '.html', '.tf', ''}
SKIPPED_PARTS = {'testdata', 'node_modules', 'dist', 'build', 'third_party'}

BANNED_WORDS = re.compile(r'\b(TODO|FIXME|XXX|HACK)\b')
# [words](path): what a document points at must be there. Not URLs, not anchors.
LINK = re.compile(r'\]\((?![a-z]+:|#)([^)\s#]+)(?:#[^)\s]*)?\)')
MACHINE_PATH = re.compile(r'(^|[^A-Za-z0-9_.])/(work|farm|root|home/[a-z]+)/')
BANNED_NAMES = re.compile(r'(^|_)(utils?|common|helpers?|misc)(_test)?\.(h|cc)$')

# Only base and net touch the world: (pattern, what to take instead).
BANNED_CALLS = [
    (re.compile(r'\bstd::j?thread\b(?!::id|::hardware)'), "take base's threads or executor"),
    (re.compile(r'\bstd::async\b'), "take base's executor"),
    (re.compile(r'\bsleep_(for|until)\b|\b(u|nano)?sleep\s*\('), 'wait for an event or a Clock'),
    (re.compile(r'\b(system|steady|high_resolution)_clock\b'), 'take a Clock'),
    (re.compile(r'\babsl::(Now|GetCurrentTimeNanos)\s*\('), 'take a Clock'),
    (re.compile(r'\bstd::(time|clock)\s*\(|(?<![\w.>:])(::)?time\s*\(\s*(nullptr|NULL|0)\s*\)'),
     'take a Clock'),
    (re.compile(r'\b(gettimeofday|clock_gettime)\s*\('), 'take a Clock'),
    (re.compile(r'(?<![\w.>])s?rand\s*\(|\bstd::(random_device|mt19937)'), 'take an Rng'),
    (re.compile(r'(?<![\w>])::(open|openat|creat|socket|connect|bind|fork)\s*\('),
     'take a FileSystem, or use net'),
    (re.compile(r'\bfopen\s*\(|\bstd::[io]?fstream\b'), 'take a FileSystem'),
    (re.compile(r'\bgetenv\s*\('), 'take Options; only apps read the environment'),
]
# Everywhere in our C++, base and net too.
BANNED_EVERYWHERE = [
    (re.compile(r'\bthrow\b'), 'return absl::Status'),
    (re.compile(r'\bstd::regex\b'), 'use RE2: linear time, Go semantics'),
]

# (include pattern, modules that may, may a header include it, what to do)
INCLUDE_RULES = [
    (re.compile(r'^boost/(beast|asio)'), {'net'}, True, 'Beast and Asio stay in net'),
    (re.compile(r'^soci/'), {'catalog'}, False, 'SOCI stays in .cc files of catalog'),
    (re.compile(r'^yaml-cpp/'), {'codec'}, False, 'yaml-cpp stays in .cc files of codec'),
    (re.compile(r'^nlohmann/(?!json_fwd)'), None, False,
     'nlohmann stays in .cc files; headers take <nlohmann/json_fwd.hpp>'),
    (re.compile(r'^(utils?|common|helpers?)/'), set(), False, 'name the thing'),
]


@dataclass(frozen=True, order=True)
class Offence:
    path: str
    line: int
    rule: str
    text: str

    def __str__(self):
        return f'{self.path}:{self.line}: {self.rule}: {self.text}'


@dataclass
class Module:
    name: str
    folder: pathlib.PurePosixPath
    cmake: str
    line: int
    uses: list = field(default_factory=list)
    public: set = field(default_factory=set)

    @property
    def layer(self):
        return API_LAYER if self.name.startswith('api') else LAYERS.get(self.name)


KEYWORDS = {'NAME', 'USES', 'PUBLIC', 'SOURCES', 'TESTS', 'FUZZ', 'BENCH', 'LIBS'}


def parse_modules(cmake_path, text):
    """The add_module() lines of one CMakeLists.txt."""
    code = re.sub(r'#[^\n]*', '', text)
    for call in re.finditer(r'\badd_module\s*\(([^)]*)\)', code):
        lists, current = {}, None
        for word in call.group(1).split():
            if word in KEYWORDS:
                current = lists.setdefault(word, [])
            elif current is not None:
                current.append(word)
        yield Module(name=' '.join(lists.get('NAME', ['?'])),
                     folder=pathlib.PurePosixPath(cmake_path).parent, cmake=cmake_path,
                     line=code.count('\n', 0, call.start()) + 1, uses=lists.get('USES', []),
                     public=set(lists.get('PUBLIC', [])))


def strip_code(text):
    """C++ with comments, strings and characters blanked; same length, same lines."""
    pattern = re.compile(
        r'R"(?P<d>[^()\\\s]{0,16})\(.*?\)(?P=d)"|//[^\n]*|/\*.*?\*/'
        r'|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\'', re.S)
    return pattern.sub(lambda m: re.sub(r'[^\n]', ' ', m.group()), text)


SCOPE_HEAD = re.compile(r'^\s*(template\s*<.*>\s*)?(inline\s+)?'
                        r'(namespace|class|struct|enum|union|extern)\b', re.S)


def functions(code):
    """Yields (first line, lines) of every function body in stripped C++.

    The rows of a table within it, `rows[] = {...}`, do not count: "prefer a row to a function".
    """
    stack, head_start, table_lines = [], 0, 0

    def line_of(at):
        return code.count('\n', 0, at) + 1

    for match in re.finditer(r'[{};]|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*', code, re.M):
        sign, at = match.group(), match.start()
        if sign == '{':
            label = re.match(r'\s*(public|private|protected)\s*:', code[head_start:at])
            if label:
                head_start += label.end()
            head = code[head_start:at]
            outside = all(kind == 'scope' for kind, _ in stack)
            if SCOPE_HEAD.match(head) and '=' not in head:
                stack.append(('scope', 0))
            elif outside and ')' in head:
                lead = len(head) - len(head.lstrip())
                stack.append(('function', line_of(head_start + lead)))
                table_lines = 0
            elif code[:at].rstrip()[-1:] in ('=', '(', ',', '{'):
                stack.append(('table', line_of(at)))
            else:
                stack.append(('block', 0))
        elif sign == '}' and stack:
            kind, first = stack.pop()
            if kind == 'table' and all(k != 'table' for k, _ in stack):
                table_lines += line_of(at) - first
            elif kind == 'function':
                yield first, line_of(at) - first + 1 - table_lines
        if sign != ';' or not stack or stack[-1][0] == 'scope':
            head_start = match.end()


class Tidy:
    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.offences = []
        self.modules = {}

    def report(self, path, line, rule, text):
        for excepted_rule, pattern, _ in EXCEPTIONS:
            if excepted_rule == rule and fnmatch.fnmatch(path, pattern):
                return
        self.offences.append(Offence(path, line, rule, text))

    def paths(self):
        """What git knows or would add; without git, every file."""
        listed = subprocess.run(
            ['git', 'ls-files', '--cached', '--others', '--exclude-standard'], cwd=self.root,
            capture_output=True, text=True, check=False)
        if listed.returncode == 0:
            names = listed.stdout.splitlines()
        else:
            names = [p.relative_to(self.root).as_posix() for p in self.root.rglob('*')]
        for name in sorted(set(names)):
            if not SKIPPED_PARTS & set(pathlib.PurePosixPath(name).parts[:-1]):
                if (self.root / name).is_file() and not (self.root / name).is_symlink():
                    yield name

    def run(self):
        files = list(self.paths())
        for name in files:
            if name.startswith('src/') and name.endswith('CMakeLists.txt'):
                for module in parse_modules(name, (self.root / name).read_text()):
                    self.modules[module.name] = module
        self.check_modules()
        for name in files:
            self.check_file(name)
        return sorted(self.offences)

    def check_modules(self):
        for module in self.modules.values():
            where = (module.cmake, module.line)
            if module.layer is None:
                self.report(*where, 'layer', f'{module.name} has no layer; give it one in '
                            'tools/tidy.py, as docs/ARCHITECTURE.md draws it')
                continue
            for used in module.uses:
                other = self.modules.get(used)
                if other is None:
                    self.report(*where, 'layer', f'{module.name} uses {used}, which is no module')
                elif other.layer is not None and other.layer >= module.layer:
                    self.report(*where, 'layer', f'{module.name} (layer {module.layer}) may not '
                                f'use {used} (layer {other.layer}); only lower layers')

    def module_of(self, path):
        """The module in whose folder, or nearest folder above, this file lies."""
        best = None
        for module in self.modules.values():
            if module.folder in pathlib.PurePosixPath(path).parents:
                if best is None or len(module.folder.parts) > len(best.folder.parts):
                    best = module
        return best

    def check_file(self, path):
        name = pathlib.PurePosixPath(path)
        if name.suffix not in TEXT:
            return
        try:
            text = (self.root / path).read_text()
        except UnicodeDecodeError:
            return
        lines = text.split('\n')
        is_code = name.suffix in SPDX or name.name in ('CMakeLists.txt', 'Makefile')
        is_script = name.suffix == '' and lines[0].startswith('#!')
        if (is_code or is_script) and text:
            self.check_layout(path, lines)
        for number, line in enumerate(lines, 1):
            if BANNED_WORDS.search(line):
                self.report(path, number, 'words', 'finish it, or answer an explicit error')
            if MACHINE_PATH.search(line):
                self.report(path, number, 'machine-path', "no path of one machine's in the tree")
        if name.suffix in CXX:
            self.check_cxx(path, text, lines)
        if name.suffix == '.md':
            self.check_links(path, lines)

    def check_links(self, path, lines):
        for number, line in enumerate(lines, 1):
            for target in LINK.findall(line):
                if not ((self.root / path).parent / target).exists():
                    self.report(path, number, 'link', f'{target} is not there')

    def check_layout(self, path, lines):
        first = lines[1] if lines[0].startswith('#!') and len(lines) > 1 else lines[0]
        if 'SPDX-License-Identifier: Apache-2.0' not in first:
            self.report(path, 1, 'spdx', 'begin with SPDX-License-Identifier: Apache-2.0')
        count = len(lines) - (1 if lines[-1] == '' else 0)
        if count > MAX_FILE_LINES:
            self.report(path, count, 'file-length',
                        f'{count} lines; split by idea, at most {MAX_FILE_LINES}')
        for number, line in enumerate(lines, 1):
            if len(line) > MAX_COLUMNS:
                self.report(path, number, 'columns',
                            f'{len(line)} columns; at most {MAX_COLUMNS}')

    def check_cxx(self, path, text, lines):
        code = strip_code(text)
        if BANNED_NAMES.search(pathlib.PurePosixPath(path).name):
            self.report(path, 1, 'file-name', 'no utils, common, helpers: name the thing')
        if path.endswith('.h') and '#pragma once' not in text:
            self.report(path, 1, 'pragma-once', 'a header begins with #pragma once')
        for first, count in functions(code):
            if count > MAX_FUNCTION_LINES:
                self.report(path, first, 'function-length',
                            f'{count} lines; at most {MAX_FUNCTION_LINES}')
        module = self.module_of(path)
        self.check_calls(path, code, module)
        for number, line in enumerate(lines, 1):
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if match:
                self.check_include(path, number, match.group(1) == '"', match.group(2), module)

    def check_calls(self, path, code, module):
        rules = list(BANNED_EVERYWHERE)
        touches_world = module is None or module.name in ('base', 'net')
        if path.startswith('src/') and not touches_world:
            rules += BANNED_CALLS
        for number, line in enumerate(code.split('\n'), 1):
            for pattern, remedy in rules:
                match = pattern.search(line)
                if match:
                    self.report(path, number, 'call', f'{match.group().strip()}: {remedy}')

    def check_include(self, path, number, quoted, target, module):
        for pattern, allowed, in_header, remedy in INCLUDE_RULES:
            if not pattern.search(target):
                continue
            owner = module.name if module else None
            if allowed is not None and owner not in allowed:
                self.report(path, number, 'include', remedy)
            elif path.endswith('.h') and not in_header:
                self.report(path, number, 'include', remedy)
        if not quoted:
            return
        other = self.module_of('src/' + target)
        if other is None or other is module:
            return
        if module is not None and other.name != 'base':
            if other.layer is not None and module.layer is not None \
                    and other.layer >= module.layer:
                self.report(path, number, 'layer', f'{module.name} may not include {other.name}')
            elif other.name not in module.uses:
                self.report(path, number, 'layer', f'{module.name} includes {other.name} but its '
                            'add_module() line does not say USES ' + other.name)
        inside = pathlib.PurePosixPath('src/' + target).relative_to(other.folder).as_posix()
        if inside not in other.public and (self.root / 'src' / target).exists():
            self.report(path, number, 'private-header', f'{target} is private to {other.name}; '
                        f'its face is {", ".join(sorted(other.public)) or "empty"}')


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent
    offences = Tidy(root).run()
    for offence in offences:
        print(offence)
    if offences:
        print(f'tidy: {len(offences)} offences', file=sys.stderr)
    return 1 if offences else 0


if __name__ == '__main__':
    sys.exit(main())
