#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the rules for Terraform that `terraform fmt` and `validate` do not know.

tools/terraform_check.py [--write] [ROOT]

Every variable is typed and described, and validated where its type alone says little; every output
is described; nothing declared is unused; providers have a lower and an upper bound; the only
resource of its kind in a module is `this`; the Grafana provider is configured by variables alone;
READMEs list exactly the inputs and outputs that there are (--write rewrites those tables);
examples/aws has not one line about hearth.
"""

import argparse
import pathlib
import re
import sys
from dataclasses import dataclass

VARIABLES_MAX = 25
MAIN_LINES_MAX = 150
TABLES = re.compile(r'(<!-- tables: [^\n]*-->\n).*?(<!-- end of tables -->)', re.S)
BLOCK = re.compile(r'^(variable|output|resource|data|module|provider|terraform|locals|check)\b'
                   r'((?:\s+"[^"]+")*)\s*\{', re.M)
# A type that says little about what a value may be.
OPEN_TYPES = ('string', 'number')


@dataclass(frozen=True)
class Block:
    kind: str
    labels: tuple
    body: str
    path: pathlib.Path
    line: int

    def attribute(self, name):
        """The text of `name = …` on one line at the block's own level, or None."""
        found = re.search(rf'^  {name}\s*=\s*(.+)$', self.body, re.M)
        return found.group(1).strip() if found else None


def blocks_of(path):
    """The blocks of a file that `terraform fmt` has laid out: one ends at the first line `}`."""
    text = path.read_text(encoding='utf-8')
    for match in BLOCK.finditer(text):
        line_end = text.find('\n', match.start())
        first_line = text[match.start():line_end]
        end = line_end if first_line.rstrip().endswith('}') else text.index('\n}', match.start())
        yield Block(match.group(1), tuple(re.findall(r'"([^"]+)"', match.group(2))),
                    text[match.end():end + 1], path, text.count('\n', 0, match.start()) + 1)


class Checker:
    def __init__(self, root, write):
        self.root, self.write = root, write
        self.offences = []

    def report(self, path, line, text):
        self.offences.append(f'{path.relative_to(self.root)}:{line}: {text}')

    def folder(self, folder):
        files = sorted(folder.glob('*.tf'))
        blocks = [block for path in files for block in blocks_of(path)]
        text = '\n'.join(path.read_text(encoding='utf-8') for path in files)
        self.variables(folder, blocks, text)
        for block in blocks:
            if block.kind == 'output' and not block.attribute('description'):
                self.report(block.path, block.line, f'output {block.labels[0]} has no description')
            if (block.kind == 'provider' and 'grafana' in block.labels
                    and re.search(r'\b(module|aws_\w+)\.', re.sub(r'#.*', '', block.body))):
                self.report(block.path, block.line, 'the Grafana provider knows the workspace by '
                            'itself: in a fresh shell it would destroy the dashboards')
        self.locals_used(blocks, text)
        self.providers(blocks)
        if 'modules' in folder.parts:
            self.lone_resources(blocks)
        for path in files:
            if path.name == 'main.tf' and path.read_text().count('\n') > MAIN_LINES_MAX:
                self.report(path, 1, f'over {MAIN_LINES_MAX} lines; split it by concern')
        self.readme(folder, blocks)

    def variables(self, folder, blocks, text):
        variables = [block for block in blocks if block.kind == 'variable']
        if len(variables) > VARIABLES_MAX:
            self.report(folder / 'variables.tf', 1,
                        f'{len(variables)} variables; at most {VARIABLES_MAX}')
        for block in variables:
            name, kind = block.labels[0], block.attribute('type')
            if block.path.name != 'variables.tf' and 'modules' in folder.parts:
                self.report(block.path, block.line, f'variable {name} belongs into variables.tf')
            if kind is None:
                self.report(block.path, block.line, f'variable {name} has no type')
            if not block.attribute('description'):
                self.report(block.path, block.line, f'variable {name} has no description')
            if kind in OPEN_TYPES and 'validation {' not in block.body:
                self.report(block.path, block.line, f'variable {name} is not validated')
            without = text.replace(block.body, '')
            if not re.search(rf'\bvar\.{name}\b', without):
                self.report(block.path, block.line, f'variable {name} is not used')

    def locals_used(self, blocks, text):
        for block in blocks:
            if block.kind != 'locals':
                continue
            for name in re.findall(r'^  (\w+)\s*=', block.body, re.M):
                if not re.search(rf'\blocal\.{name}\b', text):
                    self.report(block.path, block.line, f'local {name} is not used')

    def providers(self, blocks):
        for block in blocks:
            if block.kind != 'terraform':
                continue
            if not block.attribute('required_version'):
                self.report(block.path, block.line, 'no required_version')
            for name, body in re.findall(r'^    (\w+) = \{(.*?)^    \}', block.body, re.M | re.S):
                version = re.search(r'version\s*=\s*"([^"]+)"', body)
                if not (version and '>=' in version.group(1) and '<' in version.group(1)):
                    self.report(block.path, block.line,
                                f'provider {name} needs a lower and an upper bound')

    def lone_resources(self, blocks):
        kinds = {}
        for block in blocks:
            if block.kind == 'resource':
                kinds.setdefault(block.labels[0], []).append(block)
        for kind, found in kinds.items():
            if len(found) == 1 and found[0].labels[1] != 'this':
                self.report(found[0].path, found[0].line,
                            f'{kind}.{found[0].labels[1]} is the only one: name it `this`')

    def readme(self, folder, blocks):
        path = folder / 'README.md'
        if not path.exists():
            self.report(path, 1, 'missing')
            return
        text = path.read_text(encoding='utf-8')
        has_faces = any(block.kind in ('variable', 'output') for block in blocks)
        if not TABLES.search(text):
            if has_faces:
                self.report(path, 1, 'has no `<!-- tables: … -->` … `<!-- end of tables -->`')
            return
        wanted = TABLES.sub(lambda found: found.group(1) + tables(blocks) + found.group(2), text)
        if wanted != text and self.write:
            path.write_text(wanted, encoding='utf-8')
        elif wanted != text:
            self.report(path, 1, 'the tables are old; tools/terraform_check.py --write renews them')

    def example_is_plain(self, folder):
        for path in sorted(folder.rglob('*.tf')):
            for number, line in enumerate(path.read_text(encoding='utf-8').splitlines(), 1):
                if 'hearth' in line.lower():
                    self.report(path, number, 'a line about hearth in the example for AWS')


def shown(default):
    if default is None:
        return 'required'
    return f'`{default}`' if default != '{' else 'a block'


def meaning(block):
    text = (block.attribute('description') or '').strip('"')
    return text + (' Sensitive.' if block.attribute('sensitive') == 'true' else '')


def tables(blocks):
    lines = []
    variables = [block for block in blocks if block.kind == 'variable']
    outputs = [block for block in blocks if block.kind == 'output']
    if variables:
        lines += ['| input | type | default | meaning |', '|---|---|---|---|']
        lines += [f"| `{v.labels[0]}` | `{v.attribute('type')}` | {shown(v.attribute('default'))} "
                  f'| {meaning(v)} |' for v in variables]
    if outputs:
        lines += [''] if variables else []
        lines += ['| output | meaning |', '|---|---|']
        lines += [f'| `{o.labels[0]}` | {meaning(o)} |' for o in outputs]
    return '\n'.join(lines) + '\n'


def main():
    parser = argparse.ArgumentParser(description='checks rules for Terraform')
    parser.add_argument('--write', action='store_true', help='renew the tables of READMEs')
    parser.add_argument('root', nargs='?', type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parent.parent)
    options = parser.parse_args()
    checker = Checker(options.root, options.write)
    top = options.root / 'terraform'
    folders = [top, *sorted((top / 'modules').iterdir()), *sorted((top / 'examples').iterdir())]
    for folder in folders:
        checker.folder(folder)
    checker.example_is_plain(top / 'examples' / 'aws')
    for offence in checker.offences:
        print(offence)
    print(f'terraform: {len(folders)} folders, {len(checker.offences)} offences')
    return 1 if checker.offences else 0


if __name__ == '__main__':
    sys.exit(main())
