"""The sources keep the house rules, and every rule notices a planted violation."""

import tempfile
import unittest
from pathlib import Path

import rules

ROOT = Path(__file__).resolve().parents[2]

HEADER = "// What it is for.\n#pragma once\n"
# A tree that keeps every rule; each planted case below changes or adds one file.
CLEAN = {
    "base/CMakeLists.txt": "passnet_library(base SOURCES file.cc)\n",
    "base/file.h": HEADER,
    "base/file.cc": '#include "base/file.h"\n\n#include <string>\n',
    "daemon/CMakeLists.txt": "passnet_library(daemon SOURCES server.cc http_api/routes.cc)\nf(d main.cc)\n",
    "daemon/server.h": HEADER,
    "daemon/server.cc": '#include "daemon/server.h"\n\n#include "base/file.h"\n',
    "daemon/http_api/routes.cc": '#include "daemon/server.h"\n\n#include <boost/beast/http.hpp>\n\nstd::jthread thread_;\n',
    "daemon/main.cc": '#include "configs/load.h"\n#include "daemon/server.h"\n',
    "configs/load.h": HEADER + '#include "daemon/server.h"\n',
    "docs/threads.md": "`daemon/http_api/routes.cc` starts one. See `base/`.\n",
    "tests/base/CMakeLists.txt": "passnet_test(base_test SOURCES file_test.cc)\n",
    "tests/base/file_test.cc": '#include "base/file.h"\n\n#include <gtest/gtest.h>\n',
    "evaluator/compare/compare.h": "/* C. */\n#ifndef PASSNET_C_H_\n#define PASSNET_C_H_\n#endif\n",
}


def check(rule, files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            target = Path(root, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        return list(rule(rules.Tree(root)))


class SourcesTest(unittest.TestCase):
    """This repository."""

    def setUp(self):
        self.tree = rules.Tree(ROOT)

    def expect_clean(self, rule):
        violations = list(rule(self.tree))
        if violations:
            self.fail("\n  ".join(["", *violations]))

    def test_layers(self):
        self.assertGreater(len(self.tree.sources(".h", ".cc")), 20, f"no sources found under {ROOT}")
        self.expect_clean(rules.layers)

    def test_includes_resolve(self):
        self.expect_clean(rules.includes_resolve)

    def test_own_header_first(self):
        self.expect_clean(rules.own_header_first)

    def test_third_party(self):
        self.expect_clean(rules.third_party)

    def test_header_form(self):
        self.expect_clean(rules.header_form)

    def test_file_names(self):
        self.expect_clean(rules.file_names)

    def test_listed_in_cmake(self):
        self.expect_clean(rules.listed_in_cmake)

    def test_whitespace(self):
        self.expect_clean(rules.whitespace)

    def test_threads(self):
        self.expect_clean(rules.threads)

    def test_documents_name_real_files(self):
        self.expect_clean(rules.documents_name_real_files)

    def test_documents_resolve(self):
        self.expect_clean(rules.documents_resolve)

    def test_schemas_are_contracts(self):
        self.expect_clean(rules.schemas_are_contracts)

    def test_routes_are_contracts(self):
        self.expect_clean(rules.routes_are_contracts)

    def test_no_paths_in_definitions(self):
        self.expect_clean(rules.no_paths_in_definitions)

    def test_json_in_one_place(self):
        self.expect_clean(rules.json_in_one_place)

    def test_command_line_in_one_place(self):
        self.expect_clean(rules.command_line_in_one_place)

    def test_short_functions(self):
        self.expect_clean(rules.short_functions)

    def test_schemas_are_written_once(self):
        self.expect_clean(rules.schemas_are_written_once)

    def test_awaited_temporaries(self):
        self.expect_clean(rules.awaited_temporaries)


class PlantedTest(unittest.TestCase):
    """Fixture trees: one clean, and for each rule what it must notice."""

    PLAN = ("# Plan\n\n## 1. First steps\n- **Layer 7, the end**: told.\n- **kind**: a word.\n\n"
            "```\n## 3. In a fence\n```\n")

    def expect_noticed(self, rule, planted, *expected):
        self.assertEqual([], check(rule, CLEAN), "the clean tree must be clean")
        for path, text in planted.items():
            with self.subTest(path=path, text=text):
                found = "\n".join(check(rule, {**CLEAN, path: text}))
                self.assertIn(f"{path}:", found)
                for words in expected:
                    self.assertIn(words, found)

    def test_layers(self):
        self.expect_noticed(rules.layers, {
            "base/file.cc": '#include "base/file.h"\n#include "daemon/server.h"\n',
            "passbench/task.h": HEADER + '#include "sandbox/plan.h"\n',
            "sandbox/plan.cc": '#include "trajectories/journal.h"\n',
            "sandbox/apply/apply.cc": '#include "base/file.h"\n',
            "dialects/chat.cc": '#include "agent/llm/client.h"\n',
            "trajectories/store.cc": '#include "dialects/chat.h"\n',
            "trajectories/export/sft.cc": '#include "passbench/task.h"\n',
            "evaluator/api/json.cc": '#include "evaluator/client/client.h"\n',
            "evaluator/timing/gate.cc": '#include "evaluator/candidate/candidate.h"\n',
            "evaluator/lane/lane.cc": '#include "trajectories/journal.h"\n',
            "evaluator/worker/native/run.cc": '#include "base/file.h"\n',
            "agent/loop/refine.cc": '#include "evaluator/lane/lane.h"\n',
            "agent/loop/refine.h": HEADER + '#include "configs/load.h"\n',
            "daemon/server.cc": '#include "daemon/server.h"\n#include "configs/load.h"\n',
            "daemon/main.cc": '#include "cli/verb.h"\n',
            "cli/eval.cc": '#include "tests/fakes/clock.h"\n',
        }, "must not include")
        self.expect_noticed(rules.layers, {"elsewhere/x.cc": ""}, "no room")

    def test_cli_and_tests_may_include_any_room(self):
        files = {"cli/eval.cc": '#include "evaluator/lane/lane.h"\n#include "configs/load.h"\n',
                 "tests/cli/eval_test.cc": '#include "cli/verb.h"\n#include "tests/fakes/clock.h"\n'}
        self.assertEqual([], check(rules.layers, files))

    def test_includes_resolve(self):
        self.expect_noticed(rules.includes_resolve, {
            "base/other.cc": '#include "file.h"\n',
            "base/more.cc": '#include "base/gone.h"\n',
        }, "is not a file")

    def test_own_header_first(self):
        self.expect_noticed(rules.own_header_first, {
            "base/file.cc": '#include <string>\n\n#include "base/file.h"\n',
            "daemon/server.cc": "int x;\n",
        }, "own header")

    def test_third_party(self):
        self.expect_noticed(rules.third_party, {
            "daemon/tensor.cc": "#include <torch/torch.h>\n",
            "evaluator/lane/tensor.cc": "#include <ATen/ATen.h>\n",
            "daemon/state.cc": "#include <sqlite3.h>\n",
            "agent/serve.cc": "#include <httplib.h>\n",
            "daemon/http_api/serve.cc": "#include <httplib.h>\n",
            "daemon/serve.cc": "#include <boost/beast/http.hpp>\n",
            "agent/llm/openai.cc": "#include <boost/beast/http.hpp>\n",
            "evaluator/compile/jail.cc": "#include <seccomp.h>\n",
            "evaluator/lane/python.cc": "#include <Python.h>\n",
            "base/testing.cc": "#include <gtest/gtest.h>\n",
        }, " only in ")
        self.expect_noticed(rules.third_party, {
            "base/json.h": HEADER + "#include <nlohmann/json.hpp>\n",
            "agent/llm/transport/http.h": HEADER + "#include <boost/beast/core.hpp>\n",
            "evaluator/compare/tensors.h": HEADER + "#include <torch/torch.h>\n",
            "trajectories/database.h": HEADER + "#include <sqlite3.h>\n",
            "cli/http.h": HEADER + "#include <httplib.h>\n",
        }, "not in a header")
        self.expect_noticed(rules.third_party, {"sandbox/apply/apply.cc": "#include <seccomp.h>\n"}, "libc only")

    def test_third_party_may_appear_where_it_is_adapted(self):
        files = {
            "trajectories/database.cc": "#include <sqlite3.h>\n",
            "cli/client.cc": "#include <httplib.h>\n",
            "recorded_llm/server.cc": "#include <boost/beast/http.hpp>\n",
            "sandbox/plan.cc": "#include <seccomp.h>\n",
            "evaluator/compare/compare.cc": "#include <torch/torch.h>\n",
            "base/json.cc": "#include <nlohmann/json.hpp>\n",
            "tests/trajectories/database_test.cc": "#include <sqlite3.h>\n",
        }
        self.assertEqual([], check(rules.third_party, files))

    def test_header_form(self):
        self.expect_noticed(rules.header_form, {"base/a.h": "#pragma once\n"}, "contract comment")
        self.expect_noticed(rules.header_form, {
            "base/b.h": "// B.\n",
            "base/c.h": "// C.\n#ifndef PASSNET_BASE_C_H_\n#define PASSNET_BASE_C_H_\n#endif\n",
        }, "#pragma once")

    def test_file_names(self):
        self.expect_noticed(rules.file_names, {
            "base/utils.h": HEADER, "agent/http_helpers.cc": "", "tests/base/common.h": HEADER, "cli/misc.py": "",
        }, "says nothing")
        self.expect_noticed(rules.file_names, {"base/FileReader.cc": ""}, "snake_case")

    def test_listed_in_cmake(self):
        self.expect_noticed(rules.listed_in_cmake, {
            "base/lost.cc": "",
            "tests/base/lost_test.cc": "",
            "tests/base/lost_test.py": "",
            "daemon/http_api/server.cc": "",
        }, "lists this file")
        loop = {"tests/hostile/CMakeLists.txt": "foreach(name crash spin)\n  add_executable(${name} ${name}.cc)\n",
                "tests/hostile/crash.cc": "", "tests/hostile/lost.cc": ""}
        self.assertEqual(["tests/hostile/lost.cc:1: no CMakeLists.txt lists this file: it is never built or run"],
                         check(rules.listed_in_cmake, loop))
        commented_out = {**CLEAN, "tests/base/CMakeLists.txt": "passnet_test(base_test SOURCES\n  # file_test.cc\n)\n"}
        self.assertIn("tests/base/file_test.cc:", "\n".join(check(rules.listed_in_cmake, commented_out)))

    def test_whitespace(self):
        self.expect_noticed(rules.whitespace, {"base/a.cc": "int x; \n"}, "trailing whitespace")
        self.expect_noticed(rules.whitespace, {"base/a.py": "\tx = 1\n", "base/CMakeLists.txt": "\tx()\n"}, "tab")
        self.expect_noticed(rules.whitespace, {"base/a.cc": "int x;"}, "no newline")

    def test_data_keeps_its_own_form(self):
        files = {"tests/fixtures/passes/x/bad.py": "\tx \n", "tasks/t/model.py": "x \n"}
        self.assertEqual([], check(rules.whitespace, files))

    def test_threads(self):
        self.expect_noticed(rules.threads, {
            "base/pool.cc": "std::thread worker;\n",
            "agent/run.cc": "pthread_create(&t, nullptr, f, nullptr);\n",
            "agent/pool.h": HEADER + "boost::asio::thread_pool pool_;\n",
        }, "docs/threads.md does not name")
        self.expect_noticed(rules.threads, {
            "daemon/http_api/routes.cc": "worker_thread.detach();\n",
            "agent/run.cc": "co_spawn(loop, Run(), asio::detached);\n",
        }, "nothing is detached")

    def test_threads_in_words_are_no_threads(self):
        files = {"base/pool.cc": "// std::thread is not used\nstd::thread::id owner;\nauto t = tensor.detach();\n"}
        self.assertEqual([], check(rules.threads, files))

    def test_documents_name_real_files(self):
        self.expect_noticed(rules.documents_name_real_files, {
            "README.md": "See `base/gone.h`.\n",
            "docs/formats.md": "`daemon/nothing/` holds it\n",
        }, "does not exist")

    def test_documents_may_name_what_is_built(self):
        readme = "`build/dev/bin/passnet`, `base/file.h`, `daemon/http_api`, `a/b`\n"
        self.assertEqual([], check(rules.documents_name_real_files, {**CLEAN, "README.md": readme}))

    def test_documents_resolve(self):
        self.expect_noticed(rules.documents_resolve, {
            "base/a.cc": "// See docs/gone.md.\n",
            "base/b.cc": 'const char* text = "see docs/gone.md";\n',
            "base/c.h": "/* C.\n * Source: gone.md, section 1. */\n",
            "base/d.py": '"""What it does.\n\nSource: gone.md."""\n',
            "base/CMakeLists.txt": "# as docs/gone.md says\n",
            "docs/other.md": "See `gone.md`.\n",
        }, "there is no document")
        cases = {"// Source: docs/plan.md section 3.\n": "section 3",
                 "// Source: plan.md, sections 1 and 4.\n": "section 4",
                 "// Source: docs/plan.md,\n// section 3.\n": "section 3",
                 "// Layers: plan.md layers 7 and 8.\n": "layer 8",
                 '// Source: docs/plan.md, "Costs".\n': 'section "Costs"',
                 "// See docs/plan.md#costs\n": "heading #costs"}
        for text, words in cases.items():
            found = check(rules.documents_resolve, {"docs/plan.md": self.PLAN, "base/a.cc": text})
            self.assertEqual([f"base/a.cc:1: docs/plan.md has no {words}"], found)

    def test_documents_may_be_cited(self):
        files = {"docs/plan.md": self.PLAN + "See `notes.md`, section 2, and `base/x.md`.\n",
                 "docs/notes.md": "## 2. More\n", "base/x.md": "", "prompts/first.md": "Write 1.md and gone.md.\n",
                 "base/a.cc": '// docs/plan.md section 1; plan.md, "First steps"; plan.md "kind"; plan.md layer 7.\n'
                              "// docs/plan.md#1-first-steps, notes.md section 2 (RFC 9112, section 9.3).\n"
                              'auto data = Reply("latin.md", "1.md");  // x.md lies beside it\n'}
        self.assertEqual([], check(rules.documents_resolve, files))

    def test_schemas_are_contracts(self):
        contracts = {"docs/contracts.md": "`passnet.report/1`\n", "cli/a.cc": 'Say("passnet.report/1");\n'}
        self.assertEqual([], check(rules.schemas_are_contracts, contracts))
        for path in ("cli/b.cc", "base/b.py", "docs/other.md"):
            found = check(rules.schemas_are_contracts, {**contracts, path: "passnet.thing/2\n"})
            self.assertEqual([f"{path}:1: docs/contracts.md does not explain passnet.thing/2"], found)
        found = check(rules.schemas_are_contracts, {**contracts, "cli/a.cc": "int x;\n"})
        self.assertEqual(["docs/contracts.md:1: no code uses passnet.report/1"], found)
        planted = {**contracts, "tests/cli/a_test.cc": 'Refuses("passnet.report/9");\n'}
        self.assertEqual([], check(rules.schemas_are_contracts, planted))

    def test_schemas_are_written_once(self):
        once = {"cli/a.cc": 'Name("passnet.a/1");\nSet("schema", "passnet.a/1");\n// "passnet.a/1"\n',
                "cli/b.cc": 'Help("one object (passnet.a/1)");\nhash.UpdateField("passnet.a/1");\n',
                "tests/cli/a_test.cc": 'Expect("passnet.a/1");\n'}
        self.assertEqual([], check(rules.schemas_are_written_once, once))
        for text in ('Page("passnet.a/1", items);\n', 'json["schema"] = "passnet.a/1";\n',
                     '{{"schema",\n "passnet.a/1"}}\n'):
            found = "".join(check(rules.schemas_are_written_once, {**once, "daemon/b.cc": text}))
            self.assertIn("daemon/b.cc:1: passnet.a/1 is written at cli/a.cc:2 already", found)
        twice = {"cli/a.cc": 'Set("schema", "passnet.a/1");\nVisitSchema(fields, "passnet.a/1");\n'}
        self.assertIn("cli/a.cc:2: passnet.a/1", "".join(check(rules.schemas_are_written_once, twice)))

    def test_routes_are_contracts(self):
        files = {"docs/contracts.md": "| `GET /v1/a/{id}?limit=9` | 200 |\n| `POST /v1/a` | 201 |\n",
                 "daemon/routes.cc": '{{"GET", "/v1/a/{id}", "an a"}, F},\n{{"POST",\n  "/v1/a"}, G}\n'}
        self.assertEqual([], check(rules.routes_are_contracts, files))
        more = {**files, "daemon/more.cc": '\nfacts = {"POST", "/v1/a/{id}"};\n'}
        self.assertEqual(["daemon/more.cc:2: docs/contracts.md does not list POST /v1/a/{id}"],
                         check(rules.routes_are_contracts, more))
        fewer = {**files, "daemon/routes.cc": '{{"GET", "/v1/a/{id}"}, F},\n'}
        self.assertEqual(["docs/contracts.md:2: the daemon does not answer POST /v1/a"],
                         check(rules.routes_are_contracts, fewer))

    def test_json_in_one_place(self):
        self.expect_noticed(rules.json_in_one_place, {
            "agent/a.cc": "#include <nlohmann/json.hpp>\n",
            "tests/base/a_test.cc": "#include <nlohmann/json_fwd.hpp>\n",
            "base/json.h": HEADER + "#include <nlohmann/json_fwd.hpp>\n",
        }, "only in base/json.cc")
        self.assertEqual([], check(rules.json_in_one_place, {"base/json.cc": "#include <nlohmann/json.hpp>\n"}))

    def test_command_line_in_one_place(self):
        self.expect_noticed(rules.command_line_in_one_place, {
            "cli/eval_verb.cc": "#include <CLI/CLI.hpp>\n",
            "cli/verb.h": HEADER + "#include <CLI/App.hpp>\n",
            "daemon/main.cc": "#include <CLI/CLI.hpp>\n",
        }, "CLI11")
        files = {"command_line/command_line.cc": "#include <CLI/CLI.hpp>\n"}
        self.assertEqual([], check(rules.command_line_in_one_place, files))

    def test_no_paths_in_definitions(self):
        planted = ['target_compile_definitions(a PRIVATE DIR="${CMAKE_SOURCE_DIR}")\n',
                   'target_compile_definitions(a PRIVATE\n  VERSION="1"\n  PY="${PASSNET_PYTHON}")\n',
                   'target_compile_definitions(a PRIVATE BINARY="$<TARGET_FILE:passnet>")\n',
                   'set_source_files_properties(a.cc PROPERTIES COMPILE_DEFINITIONS DIR="${CMAKE_BINARY_DIR}/bin")\n',
                   'set_property(TARGET a APPEND PROPERTY COMPILE_DEFINITIONS DIR="${CMAKE_CURRENT_SOURCE_DIR}")\n',
                   'add_compile_definitions(DIR="${root}")\n']
        for text in planted:
            with self.subTest(text=text):
                self.assertIn("base/CMakeLists.txt:1:",
                              "".join(check(rules.no_paths_in_definitions, {"base/CMakeLists.txt": text})))

    def test_definitions_may_hold_what_every_clone_has_alike(self):
        text = ('target_compile_definitions(${name} PRIVATE V="${PROJECT_VERSION}" $<$<CONFIG:Debug>:CHECKED=2>)\n'
                "target_include_directories(a PRIVATE ${CMAKE_SOURCE_DIR})\n"
                'set_tests_properties(a PROPERTIES ENVIRONMENT "DIR=${CMAKE_BINARY_DIR}")\n'
                '# target_compile_definitions(a PRIVATE DIR="${CMAKE_SOURCE_DIR}")\n')
        self.assertEqual([], check(rules.no_paths_in_definitions, {"base/CMakeLists.txt": text}))

    def test_awaited_temporaries(self):
        dangerous = {"co_await f({1, x})": "braces", "co_await f(Options{})": "braces",
                     "co_await lane->Ask(n, {})": "braces", "co_await f([this] { Do(); }, Pair{a, b})": "braces",
                     "co_await f(\n    n,\n    Pair{a, b})": "braces", "co_await f(g({a, b}))": "braces",
                     "co_await f([text] { return text; })": "a lambda with captures",
                     "co_await f([this, a = std::move(a)](int) mutable -> int { return a; })": "a lambda with captures",
                     "co_await f(flag ? a : Make())": "a conditional"}
        for expression, what in dangerous.items():
            with self.subTest(expression=expression):
                found = check(rules.awaited_temporaries, {"agent/a.cc": f"auto x = {expression};\n"})
                self.assertEqual(1, len(found), found)
                self.assertIn(f"{what} in an awaited expression", found[0])

    def test_awaited_expressions_may_hold(self):
        code = ("Task<void> F() {\n  Options options{1, {2}};\n"
                "  auto x = co_await f(std::move(options), Deadline::After(n));\n"
                '  if (co_await f("a {word}? " + std::to_string(n))) {\n    co_return;\n  }\n'
                "  co_await f([this, &n] { n = 1; }, name);  // not {braces}\n  bool y = flag ? (co_await f(a)) : b;\n"
                "  ASSIGN_OR_RETURN(auto z, co_await f(n));\n  Use({1});\n}\n")
        self.assertEqual([], check(rules.awaited_temporaries, {"agent/a.cc": code}))

    def test_short_functions(self):
        lines = "  Do();\n" * 59
        long = {f"int Room::F(int a) const {{\n{lines}}}\n": "Room::F",
                f"Room::Room(int a) : a_{{a}}, b_(a) {{\n{lines}}}\n": "Room::Room",
                f"namespace a {{\nclass B : public C {{\n public:\n  auto G() -> int {{\n{lines}  }}\n}};\n}}\n": "G",
                f'void H() {{\n  auto f = [&] {{\n    Say("}}");  // }}\n{lines}  }};\n}}\n': "H",
                f"template <typename T>\nResult<std::vector<T>> I(const X& x = {{}}) {{\n{lines}}}\n": "I"}
        for text, name in long.items():
            with self.subTest(text=text[:60]):
                found = check(rules.short_functions, {"base/a.cc": text})
                self.assertEqual(1, len(found), found)
                self.assertIn(f": {name} has 6", found[0])

    def test_long_things_that_are_no_functions(self):
        lines = "  1,\n" * 80
        members = "  int Get() const { return 1; }\n" * 80
        files = {"base/a.cc": f"const Names kNames = {{\n{lines}}};\nstd::array<int, 80> kTable{{\n{lines}}};\n",
                 "base/b.cc": f"namespace {{\nstruct A {{\n{members}}};\n}}\nenum class B {{\n{lines}}};\n",
                 "base/c.cc": "void F() {\n" + "  Do();\n" * 58 + "}\n",
                 "tests/base/a_test.cc": "TEST(A, B) {\n" + members + "}\n"}
        self.assertEqual([], check(rules.short_functions, files))

    def test_every_rule_is_planted(self):
        planted = {name.removeprefix("test_") for name in dir(PlantedTest)}
        kept = {name.removeprefix("test_") for name in dir(SourcesTest)}
        self.assertEqual(set(), {rule.__name__ for rule in rules.RULES} - planted)
        self.assertEqual(set(), {rule.__name__ for rule in rules.RULES} - kept)


if __name__ == "__main__":
    unittest.main()
