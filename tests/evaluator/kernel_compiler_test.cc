// Kernels through the compile jail: hostile ones are named by what the compiler and the linker saw, however they are
// spelled, and honest ones beside them pass.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <random>

#include "evaluator/compile/kernel_compiler.h"
#include "evaluator/compile/shared_object.h"
#include "tests/fakes/paths.h"

namespace passnet::evaluator {
namespace {

using testing::HasSubstr;

const char* const kHead = "#include <passnet_kernel.h>\n";
const char* const kTail = "\nextern \"C\" int run(const PnCall* call) { return call->num_inputs; }\n";

class KernelCompilerTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    cache_ = std::filesystem::temp_directory_path() / ("kernel_compiler_test." + std::to_string(::getpid()));
    KernelCompilerOptions options;
    options.include_dir = std::filesystem::path(fakes::SourceDir()) / "evaluator/worker";
    options.cache_dir = cache_;
    auto made = KernelCompiler::Create(options, Deadline::After(std::chrono::seconds(60)));
    ASSERT_TRUE(made) << made.error().context;
    compiler_ = std::make_unique<KernelCompiler>(std::move(made).value());
  }
  static void TearDownTestSuite() {
    compiler_.reset();
    std::filesystem::remove_all(cache_);
  }

  static CompiledKernel Compile(const std::string& text, std::vector<CandidateFile> more = {}) {
    Candidate candidate;
    candidate.files = std::move(more);
    candidate.files.push_back({"k.cc", text});
    candidate.kernels = {"k"};
    auto kernels = compiler_->Compile(candidate, Deadline::After(std::chrono::seconds(60)));
    return kernels ? std::move(kernels.value()[0]) : CompiledKernel{"k", "", kernels.error().context, {}};
  }
  static CompiledKernel Snippet(const std::string& text) { return Compile(kHead + text + kTail); }

  static std::filesystem::path cache_;
  static std::unique_ptr<KernelCompiler> compiler_;
};
std::filesystem::path KernelCompilerTest::cache_;
std::unique_ptr<KernelCompiler> KernelCompilerTest::compiler_;

TEST_F(KernelCompilerTest, SpellingHidesNothing) {
  const std::vector<std::pair<const char*, const char*>> hostile = {
      {"#define J(a, b) a##b\nint f() { J(as, m)(\"nop\"); return 1; }", "T6.inline-asm"},
      {"#include <string.h>\nint f() { __CONCAT(as, m)(\"nop\"); return 1; }", "T6.inline-asm"},
      // A splice inside a raw string is none: the string ends later than it seems to.
      {"auto s = R\"x()x\\\n\" )x\"; int f() { asm(\"nop\"); return 1; } auto t = \"\";", "T6.inline-asm"},
      {"int f() { as\\/**/\nm(\"nop\"); return 1; }", ""},  // it does not compile either
      {"#define J(a, b) a##b\n__attribute__((J(con, structor))) void f() {}", "T6.attribute"},
      {"#define J(a, b) a##b\n[[gnu::J(sec, tion)(\".text.x\")]] const unsigned char f[] = {0x0f, 0x05, 0xc3};", "T6.attribute"},
      {"void f() asm(\"x\\n\\tsyscall\\n\");", "T6.inline-asm"},
      {"#define P(x) _Pragma(#x)\nP(redefine_extname puts system)\nextern \"C\" int puts(const char*);\n"
       "int f() { return puts(\"ls\"); }", "T6.symbol"},
      {"extern \"C\" int g(const char*) __asm__(\"system\");\nint f() { return g(\"ls\"); }", "calls system"},
      {"#define J(a, b) a##b\nextern \"C\" long J(sys, call)(long, ...);\nlong f() { return J(sys, call)(39); }", "calls syscall"},
      {"extern \"C\" void* dlsym(void*, const char*);\nvoid* f() { return dlsym(0, \"x\"); }", "T6.dynamic-link"},
      {"extern \"C\" int PyRun_SimpleString(const char*);\nint f() { return PyRun_SimpleString(\"1\"); }", "PyRun_SimpleString"},
      {"namespace at { void relu(int); }\nvoid f() { at::relu(1); }", "_ZN2at4reluEi"},
      {"#include <thread>\nvoid f() { std::thread([] {}).detach(); }", "6thread"},
      {"#include <fstream>\nint f() { return std::ifstream(\"/etc/passwd\").get(); }", "basic_filebuf"},
      {"#include <chrono>\nlong f() { return std::chrono::steady_clock::now().time_since_epoch().count(); }", "6chrono"},
      {"#include \"/etc/passwd\"", ""},  // it does not compile either
      {"#include \"/etc/host.conf\"", ""},
  };
  for (const auto& [text, told] : hostile) {
    const CompiledKernel kernel = Snippet(text);
    EXPECT_FALSE(kernel.diagnostics.ok) << text;
    EXPECT_TRUE(kernel.object.empty()) << text;
    EXPECT_THAT(kernel.findings, HasSubstr(told)) << text << "\n" << kernel.diagnostics.diagnostics;
  }
}

TEST_F(KernelCompilerTest, FileOutsideOfTheHeaderFoldersIsNamed) {
  // An empty file compiles wherever it is read from.
  const CompiledKernel kernel = Snippet("#include \"/dev/null\"\n");
  EXPECT_THAT(kernel.findings, HasSubstr("k.cc:0 [H10.include] the compiler read /dev/null"));
  EXPECT_EQ(Compile(std::string(kHead) + "#include \"shared.h\"\n" + kTail, {{"shared.h", "#pragma once\nint two();\n"}}).findings,
            "");
}

TEST_F(KernelCompilerTest, LineOfTheFindingIsTheCandidatesOwn) {
  const CompiledKernel kernel = Snippet("#include <vector>\n#define J(a, b) a##b\nint f() {\n  J(as, m)(\"nop\");\n  return 1;\n}");
  EXPECT_THAT(kernel.findings, HasSubstr("k.cc:5 [T6.inline-asm] asm(\"nop\")"));
}

// Refused once for what they include, call their own functions, or ask of the compiler.
TEST_F(KernelCompilerTest, HonestKernelsPass) {
  for (const char* text : {
           "#include <bits/stdc++.h>\n#include <immintrin.h>\n#include <x86intrin.h>\n",
           "#include <iostream>\nvoid f(int n) { if (n < 0) std::cerr << \"negative\\n\"; }",
           "#include <mutex>\nstd::mutex m; std::once_flag once;\n"
           "int f() { std::lock_guard<std::mutex> l(m); std::call_once(once, [] {}); return 1; }",
           "#include <memory_resource>\n#include <vector>\nfloat f(int n) { std::pmr::monotonic_buffer_resource r;\n"
           "std::pmr::vector<float> v(n, 1.f, &r); return v[0]; }",
           "namespace { int signal(int x) { return x; } int raise(int x) { return signal(x); } }\n"
           "static int open(int x) { return raise(x) + 1; }\nint f() { return open(2); }",
           "__attribute__((target_clones(\"avx2\", \"default\"))) float f(const float* x, int n) {\n"
           "float s = 0; for (int i = 0; i < n; ++i) s += x[i]; return s; }",
           "#include <vector>\n#include <math.h>\nstatic std::vector<float> table = [] { std::vector<float> t(256);\n"
           "for (int i = 0; i < 256; ++i) t[i] = expf(i); return t; }();\nfloat f(int i) { return table[i]; }",
           "#include <stdexcept>\n#include <string>\n#include <unordered_map>\n#include <algorithm>\n#include <functional>\n"
           "int f(int n) { std::unordered_map<std::string, int> m{{\"a\", n}}; std::function<int(int)> g = [&](int x) {\n"
           "if (x < 0) throw std::runtime_error(\"x\"); return m[\"a\"] + x; }; try { return g(n); }\n"
           "catch (const std::exception& e) { return (int)e.what()[0]; } }",
           "#pragma GCC optimize(\"fast-math\")\n#include <math.h>\nvoid f(float* x, int n) {\n"
           "for (int i = 0; i < n; ++i) x[i] = expf(x[i]) + tanhf(x[i]) + log1pf(x[i]) + sinf(x[i]); }",
           "#include <stdio.h>\n#include <stdlib.h>\n#include <assert.h>\nint f(int n) { assert(n > 0); thread_local int calls = 0;\n"
           "float* p = (float*)aligned_alloc(64, 64 * n); printf(\"%d %f\\n\", calls++, p[0]); free(p); return 0; }",
           "#define VEC(op) _mm256_##op\n#include <immintrin.h>\n__m256 f(__m256 a) { return VEC(add_ps)(a, a); }",
       }) {
    const CompiledKernel kernel = Snippet(text);
    EXPECT_TRUE(kernel.diagnostics.ok) << text << "\n" << kernel.findings << kernel.diagnostics.diagnostics;
    EXPECT_FALSE(kernel.object.empty());
  }
}

TEST_F(KernelCompilerTest, OnlyWhatPassedIsKept) {
  const std::string asm_kernel = "#define J(a, b) a##b\nint f() { J(as, m)(\"nop\"); return 2; }";
  EXPECT_FALSE(Snippet(asm_kernel).diagnostics.cached);
  const CompiledKernel again = Snippet(asm_kernel);
  EXPECT_FALSE(again.diagnostics.cached);
  EXPECT_THAT(again.findings, HasSubstr("T6.inline-asm"));
  EXPECT_FALSE(Snippet("int kept;").diagnostics.cached);
  EXPECT_TRUE(Snippet("int kept;").diagnostics.cached);
}

// What the loader reads can be damaged in any place: an Error or a reading, and never a read outside of the bytes.
TEST_F(KernelCompilerTest, DamagedObjectsAreReadWithinBounds) {
  const std::string object = Snippet("#include <iostream>\nvoid f() { std::cout << 1; }").object;
  ASSERT_FALSE(object.empty());
  ASSERT_TRUE(ReadSharedObject(object));
  EXPECT_THAT(ReadSharedObject(object).value().load_functions,
              testing::UnorderedElementsAre("frame_dummy", "_GLOBAL__sub_I_k.cc", "__do_global_dtors_aux"));
  std::mt19937 draw(11);
  for (int i = 0; i < 3000; ++i) {
    std::string damaged = object;
    for (int flips = 0; flips < 4; ++flips) damaged[draw() % (i % 2 == 0 ? 4096 : damaged.size())] = static_cast<char>(draw());
    (void)ReadSharedObject(damaged);
    (void)ReadSharedObject(std::string_view(object).substr(0, draw() % object.size()));
  }
}

}  // namespace
}  // namespace passnet::evaluator
