#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tidy must see each offence it promises to see, and must not see others."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import tidy  # noqa: E402

SPDX = '// SPDX-License-Identifier: Apache-2.0\n'
HEADER = SPDX + '#pragma once\n'


def cmake(name, rest=''):
    return f'# SPDX-License-Identifier: Apache-2.0\nadd_module(NAME {name} {rest})\n'


TREE = {
    'src/base/CMakeLists.txt': cmake('base', 'PUBLIC clock.h'),
    'src/base/clock.h': HEADER,
    'src/storage/CMakeLists.txt': cmake('storage', 'PUBLIC query.h SOURCES a.cc'),
    'src/storage/query.h': HEADER,
    'src/storage/detail.h': HEADER,
    'src/tsdb/CMakeLists.txt': cmake('tsdb', 'USES storage\n  PUBLIC head.h # face\n'),
    'src/tsdb/head.h': HEADER,
    'src/promql/CMakeLists.txt': cmake('promql', 'PUBLIC eval.h'),
    'src/promql/eval.h': HEADER,
    'src/api/aps/CMakeLists.txt': cmake('api_aps', 'USES tsdb PUBLIC aps.h'),
    'src/api/aps/aps.h': HEADER,
}


class TidyTest(unittest.TestCase):
    def offences(self, files):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in {**TREE, **files}.items():
                path = pathlib.Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return [(o.path, o.line, o.rule) for o in tidy.Tidy(folder).run()]

    def test_clean_tree_has_no_offence(self):
        self.assertEqual(self.offences({}), [])

    def test_each_offence_is_named_where_it_is(self):
        long_line = SPDX + '// ' + 'x' * 98 + '\n'
        long_function = SPDX + 'int F(int a) {\n' + '  ++a;\n' * 69 + '  return a;\n}\n'
        rows = [
            ('sibling include', 'src/promql/a.cc', SPDX + '#include "tsdb/head.h"\n', 2, 'layer'),
            ('upward include', 'src/storage/a.cc', SPDX + '#include "tsdb/head.h"\n', 2, 'layer'),
            ('undeclared use', 'src/promql/a.cc', SPDX + '#include "storage/query.h"\n', 2,
             'layer'),
            ('private header', 'src/tsdb/a.cc', SPDX + '#include "storage/detail.h"\n', 2,
             'private-header'),
            ('no spdx', 'src/tsdb/a.cc', 'int a;\n', 1, 'spdx'),
            ('no spdx in cmake', 'cmake/A.cmake', 'set(A)\n', 1, 'spdx'),
            ('columns', 'src/tsdb/a.cc', long_line, 2, 'columns'),
            ('file length', 'src/tsdb/a.cc', SPDX + 'int a;\n' * 800, 801, 'file-length'),
            ('function length', 'src/tsdb/a.cc', long_function, 2, 'function-length'),
            ('word', 'src/tsdb/a.cc', SPDX + '// TODO later\n', 2, 'words'),
            ('word in prose', 'docs/a.md', 'FIXME\n', 1, 'words'),
            ('dead link', 'docs/a.md', 'see\n[it](../src/base/clock.cc#x)\n', 2, 'link'),
            ('thread', 'src/tsdb/a.cc', SPDX + 'std::thread t;\n', 2, 'call'),
            ('open', 'src/tsdb/a.cc', SPDX + 'int f = ::open("a", 0);\n', 2, 'call'),
            ('rand', 'src/tsdb/a.cc', SPDX + 'int f = rand();\n', 2, 'call'),
            ('clock', 'src/tsdb/a.cc', SPDX + 'std::chrono::system_clock::now();\n', 2, 'call'),
            ('time', 'src/tsdb/a.cc', SPDX + 'auto t = time(nullptr);\n', 2, 'call'),
            ('sleep', 'src/tsdb/a_test.cc', SPDX + 'std::this_thread::sleep_for(a);\n', 2,
             'call'),
            ('throw', 'src/base/a.cc', SPDX + 'throw 1;\n', 2, 'call'),
            ('throw in apps', 'apps/hearth/a.cc', SPDX + 'throw 1;\n', 2, 'call'),
            ('nlohmann in header', 'src/tsdb/x.h', HEADER + '#include <nlohmann/json.hpp>\n', 3,
             'include'),
            ('beast', 'src/tsdb/a.cc', SPDX + '#include <boost/beast.hpp>\n', 2, 'include'),
            ('soci', 'src/tsdb/a.cc', SPDX + '#include <soci/soci.h>\n', 2, 'include'),
            ('yaml', 'src/tsdb/a.cc', SPDX + '#include <yaml-cpp/yaml.h>\n', 2, 'include'),
            ('name', 'src/tsdb/string_utils.cc', SPDX, 1, 'file-name'),
            ('pragma', 'src/tsdb/x.h', SPDX, 1, 'pragma-once'),
            ('machine path', 'src/tsdb/a.cc', SPDX + '// see /' + 'work/x\n', 2, 'machine-path'),
            ('unknown module', 'src/odd/CMakeLists.txt', cmake('odd'), 2, 'layer'),
            ('sibling use', 'src/scrape/CMakeLists.txt', cmake('scrape', 'USES tsdb'), 2,
             'layer'),
            ('use of nothing', 'src/codec/CMakeLists.txt', cmake('codec', 'USES nobody'), 2,
             'layer'),
        ]
        for what, path, text, line, rule in rows:
            with self.subTest(what):
                self.assertEqual(self.offences({path: text}), [(path, line, rule)])

    def test_what_is_allowed_is_left_alone(self):
        rows = [
            ('declared use', 'src/tsdb/a.cc', SPDX + '#include "storage/query.h"\n'),
            ('base is implied', 'src/promql/a.cc', SPDX + '#include "base/clock.h"\n'),
            ('own private header', 'src/storage/a.cc', SPDX + '#include "storage/detail.h"\n'),
            ('api may use lower', 'src/api/aps/a.cc', SPDX + '#include "tsdb/head.h"\n'),
            ('apps see all faces', 'apps/hearth/a.cc', SPDX + '#include "tsdb/head.h"\n'),
            ('thread in base', 'src/base/a.cc', SPDX + 'std::thread t;\n'),
            ('call in a comment', 'src/tsdb/a.cc', SPDX + '// never throw, no rand()\n'),
            ('call in a string', 'src/tsdb/a.cc', SPDX + 'auto s = "throw std::thread";\n'),
            ('raw string', 'src/tsdb/a.cc', SPDX + 'auto s = R"(throw\n{ "x)";\n'),
            ('method named open', 'src/tsdb/a.cc', SPDX + 'auto f = files.open(name);\n'),
            ('method named time', 'src/tsdb/a.cc', SPDX + 'auto t = sample.time();\n'),
            ('accessor named clock', 'src/tsdb/a.cc', SPDX + 'Clock& clock() { return c_; }\n'),
            ('digit separators', 'src/tsdb/a.cc', SPDX + "int a = 1'000'000; // 'x\nint b;\n"),
            ('nlohmann in source', 'src/tsdb/a.cc', SPDX + '#include <nlohmann/json.hpp>\n'),
            ('beast in net', 'src/net/a.cc', SPDX + '#include <boost/beast.hpp>\n'),
            ('100 columns', 'src/tsdb/a.cc', SPDX + '// ' + 'x' * 97 + '\n'),
            ('long class', 'src/tsdb/a.cc', SPDX + 'class A {\n' + '  int a();\n' * 99 + '};\n'),
            ('long table', 'src/tsdb/a.cc',
             SPDX + 'const int kA[] = {\n' + '  1,\n' * 99 + '};\n'),
            ('long table in a function', 'src/tsdb/a.cc', SPDX
             + 'void F() {\n  const A rows[] = {\n' + '      {1, {2, 3}},\n' * 99 + '  };\n}\n'),
            ('links', 'docs/a.md', '[a](../src/base/clock.h) [b](https://a.b/c) [c](#d)\n'),
            ('script', 'tools/a', '#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n'),
        ]
        extra = {'src/net/CMakeLists.txt': cmake('net')}
        for what, path, text in rows:
            with self.subTest(what):
                self.assertEqual(self.offences({**extra, path: text}), [])

    def test_function_in_class_in_namespace_is_measured(self):
        body = '    if (x) {\n      y();\n    }\n' * 24
        text = SPDX + 'namespace a {\nclass B {\n public:\n  void F(int x) const {\n' + body \
            + '  }\n};\n}\n'
        self.assertEqual(self.offences({'src/tsdb/a.cc': text}),
                         [('src/tsdb/a.cc', 5, 'function-length')])


if __name__ == '__main__':
    unittest.main()
