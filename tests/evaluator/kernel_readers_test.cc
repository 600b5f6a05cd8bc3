// The readers of what the compiler left behind: tokens after the preprocessor, names of files, a shared object's tables.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <random>

#include "evaluator/compile/dependencies.h"
#include "evaluator/compile/imports.h"
#include "evaluator/compile/preprocessed.h"
#include "evaluator/compile/shared_object.h"

namespace passnet::evaluator {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string RulesIn(std::string_view text) {
  std::string rules;
  for (const KernelFinding& finding : ScreenPreprocessed(text).findings) rules += finding.rule + " ";
  return rules;
}

TEST(PreprocessedTest, WordsThatLeaveTheLanguageAreFound) {
  for (const char* text :
       {"void f() { asm(\"nop\"); }", "__asm__ __volatile__(\"syscall\" : : : \"memory\");", "asm (\"syscall\");",
        "asm(\"mov $60, %eax\\n\\tsyscall\");", "void g() asm(\"x\\n\\tsyscall\");", "asm(R\"(nop)\");",
        "int i = 1'0; asm(\"a b\"); int j = 2'0;", "auto s = R\"x(\")x\"; asm volatile(\"enclu; syscall\");",
        "__attribute__((aligned(sizeof([] { asm(\"nop\"); }))))"}) {
    EXPECT_EQ(RulesIn(text), "T6.inline-asm ") << text;
  }
  for (const char* text :
       {"__attribute__((constructor)) void f();", "[[gnu::__section__(\".text\")]] int x;", "<:<:gnu::ifunc(\"r\"):>:> void f();",
        "__attribute__((aligned(8), __alias__(\"x\"))) int y;", "[ [ using gnu: destructor ] ] void f();",
        "__attribute__((aligned(sizeof([] { extern int g() asm(\"memchr\"); })), constructor)) void f();"}) {
    EXPECT_EQ(RulesIn(text), "T6.attribute ") << text;
  }
  for (const char* text : {"#pragma weak f = g\n", "int a;\n#pragma   redefine_extname f system\n",
                           "#pragma GCC pch_preprocess \"x.gch\"\n"}) {
    EXPECT_EQ(RulesIn(text), "T6.symbol ") << text;
  }
}

// A splice or a comment in what the preprocessor left is made of tokens, and would hide what follows it.
TEST(PreprocessedTest, TextThatNoPreprocessorWritesIsFound) {
  for (const char* text : {"as\\\nm(\"nop\");", "# define x\n", "#include <x>\n", "/* x */", "// y\n"}) {
    EXPECT_THAT(RulesIn(text), HasSubstr("L1.preprocessed")) << text;
  }
}

TEST(PreprocessedTest, WhatSystemHeadersHoldIsFine) {
  const char* const text =
      "# 1 \"/usr/include/string.h\" 1 3 4\n"
      "extern void *memchr (void *__s, int) noexcept (true) __asm (\"memchr\") __attribute__ ((__pure__));\n"
      "extern int sscanf (const char *) __asm__ (\"\" \"__isoc99_sscanf\");\n"
      "__asm__ __volatile__ (\"enclu\\n\\t\" : \"=a\" (__R));\n"
      "#pragma GCC target(\"avx2\")\n#pragma GCC diagnostic push\n"
      "[[nodiscard]] int f(); constexpr char c = '\"'; const char* s = \"asm(\\\"nop\\\")\"; a[b[0]] = v[[&] { return 1; }()];\n"
      "auto raw = R\"(\n# 1 \"x\"\nasm(\"nop\") [[gnu::section]])\";\nint alias = 3, constructor = 1'000; 0x1p-3;\n"
      "__attribute__((always_inline, target(\"avx2\"))) inline float section(float x);\n";
  EXPECT_THAT(ScreenPreprocessed(text).findings, IsEmpty()) << RulesIn(text);
  EXPECT_FALSE(ScreenPreprocessed(text).target_clones);
  EXPECT_TRUE(ScreenPreprocessed("__attribute__((target_clones(\"avx2\", \"default\"))) int f();").target_clones);
}

std::string CudaRulesIn(std::string_view text, KernelText kind) {
  std::string rules;
  for (const KernelFinding& finding : ScreenPreprocessed(text, kind).findings) rules += finding.rule + " ";
  return rules;
}

// Where device code still stands, asm may be PTX; what nvcc reads a second time must hold no directives.
TEST(PreprocessedTest, CudaSourceMayHoldAsmAndNoDirectives) {
  EXPECT_EQ(CudaRulesIn("void f() { asm volatile(\"mov.u32 %0, %%laneid;\" : \"=r\"(x)); }", KernelText::kCudaSource), "");
  EXPECT_EQ(CudaRulesIn("__attribute__((constructor)) void f();", KernelText::kCudaSource), "T6.attribute ");
  for (const char* text : {" # define later asm\n", "int a; %: define later asm\n", "\t#include <x>\n", "#define x\n"}) {
    EXPECT_THAT(CudaRulesIn(text, KernelText::kCudaSource), HasSubstr("L1.preprocessed")) << text;
  }
}

// The one asm of what g++ compiles in the end is data, however it is written.
TEST(PreprocessedTest, CudaHostMayHoldNvccsOwnDataAlone) {
  const std::string data =
      "asm(\n\".section .nv_fatbin, \\\"a\\\"\\n\"\n\".align 8\\n\"\n\"fatbinData:\\n\"\n"
      "\".quad 0x00100001ba55ed50,0x0000000000000458\\n\"\n\".quad 0xa8, 0x8\\n\"\n\".text\\n\");\n";
  EXPECT_EQ(CudaRulesIn(data, KernelText::kCudaHost), "");
  EXPECT_EQ(CudaRulesIn("static void f() __attribute__((__constructor__));", KernelText::kCudaHost), "");
  for (const char* text :
       {"asm(\"nop\");", "asm(\".section .nv_fatbin, \\\"a\\\"\\n.text\\nnop\\n\");", "asm(\".quad 0x90\\n\");",
        "asm(\".section .nv_fatbin, \\\"ax\\\"\\n.quad 0x90\\n\");", "asm(\"\");",
        "asm(\".section .nv_fatbin, \\\"a\\\"\\n.quad 0x90; nop\\n\");",
        "asm volatile(\".section .nv_fatbin, \\\"a\\\"\\n\" : \"=r\"(x));"}) {
    EXPECT_EQ(CudaRulesIn(text, KernelText::kCudaHost), "T6.inline-asm ") << text;
  }
}

TEST(PreprocessedTest, FindingsNameFileAndLineAndAreBounded) {
  const auto found = ScreenPreprocessed("# 1 \"k.cc\"\nint a;\nauto s = R\"(\n)\";\nasm(\"nop\");\n").findings;
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].file, "k.cc");
  EXPECT_EQ(found[0].line, 4);
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += "asm(\"nop\");\n";
  EXPECT_LE(ScreenPreprocessed(many).findings.size(), 100u);
}

TEST(DependenciesTest, NamesAreReadAsMakeReadsThem) {
  EXPECT_THAT(ReadDependencies("kernel.so: k.cc \\\n /usr/include/a.h /odd\\ name.h \\\n  b$$.h\n\nother: x\n"),
              ElementsAre("k.cc", "/usr/include/a.h", "/odd name.h", "b$.h"));
  EXPECT_THAT(ReadDependencies(""), IsEmpty());
  EXPECT_THAT(ReadDependencies("no rule"), IsEmpty());
}

TEST(DependenciesTest, FilesOutsideOfTheFoldersAreForeign) {
  const std::vector<std::string> folders = {"/usr/include/c++/12", "/usr/include", "/pn/include/"};
  EXPECT_THAT(ForeignFiles({"k.cc", "sub/x.h", "/usr/include/c++/12/../../stdio.h", "/pn/include/passnet_kernel.h"}, folders),
              IsEmpty());
  EXPECT_THAT(ForeignFiles({"/etc/passwd", "../up.h", "/usr/include/../../etc/hosts", "/usr/include2/x.h", "/box/k.h"}, folders),
              ElementsAre("/etc/passwd", "../up.h", "/usr/include/../../etc/hosts", "/usr/include2/x.h", "/box/k.h"));
}

TEST(DependenciesTest, FoldersAreThoseOfTheCompiler) {
  EXPECT_THAT(SearchFolders("x\n#include \"...\" search starts here:\n#include <...> search starts here:\n /usr/a\n /usr/b\n"
                            "End of search list.\n"),
              ElementsAre("/usr/a", "/usr/b"));
  EXPECT_THAT(SearchFolders("clang"), IsEmpty());
}

TEST(ImportsTest, ArithmeticMemoryTextAndContainersAreAllowed) {
  for (const char* symbol :
       {"memcpy", "expf", "tanh", "sincosf", "fmal", "lgammaf_r", "malloc", "_Znwm", "_ZdlPvm", "__cxa_throw", "snprintf",
        "_ZSt20__throw_length_errorPKc", "_ZNSt6vectorIfSaIfEE17_M_default_appendEm", "_ZSt4cout", "_ZNSolsEi", "_ZNKSt9exception4whatEv",
        "_ZTISt9exception", "_ZTIi",
        "_ZNSt8ios_base4InitC1Ev", "_ZGVdN8v_expf", "__gxx_personality_v0", "_Unwind_Resume", "pthread_mutex_lock",
        "_ZNSt3pmr20get_default_resourceEv", "__gmon_start__", "_ZTVN10__cxxabiv117__class_type_infoE", "__cxa_guard_acquire",
        "_ZNKSt8__detail20_Prime_rehash_policy14_M_need_rehashEmmm", "__once_callable", "logf", "roundevenf", "fesetround",
        "__extendhfdf2", "__truncsfbf2", "__truncdfhf2", "__floatdihf", "__fixunssfti", "__muldc3", "__popcountdi2", "__powidf2"}) {
    EXPECT_FALSE(RuleAgainstImport(symbol)) << symbol << " " << RuleAgainstImport(symbol).value_or("");
  }
}

TEST(ImportsTest, WhatReachesOutsideIsRefusedByName) {
  const std::vector<std::pair<const char*, const char*>> refused = {
      {"syscall", "H11.syscall"},   {"fork", "H11.exec"},          {"mmap", "H8.memory"},      {"fopen", "H11.file"},
      {"dlsym", "T6.dynamic-link"}, {"sigaction", "H11.signal"},   {"timer_create", "H11.signal"}, {"pthread_create", "T3.thread"},
      {"getenv", "H7.environment"}, {"clock_gettime", "T5.clock"}, {"_exit", "T11.exit"},      {"PyRun_SimpleString", "T6.import"},
      {"_ZN2at4_ops4relu4callERKNS_6TensorE", "T6.import"},        {"_ZNSt6thread15_M_start_threadESt10unique_ptr", "T6.import"},
      {"_ZNSt13basic_filebufIcSt11char_traitsIcEE4openEPKc", "T6.import"}, {"_ZNSt6chrono3_V212steady_clock3nowEv", "T6.import"},
      {"_ZNSt10filesystem6statusERKNS_4pathE", "T6.import"},       {"_rtld_global", "T6.import"}, {"prctl", "T6.import"},
      {"_ZTIN2at6TensorE", "T6.import"},                           {"__libc_dlsym", "T6.dynamic-link"},
      {"__extendhook", "T6.import"},                               {"__mul", "T6.import"},          {"__libc_start_main", "T6.import"}};
  for (const auto& [symbol, rule] : refused) EXPECT_EQ(RuleAgainstImport(symbol).value_or("-"), rule) << symbol;
  EXPECT_TRUE(IsPlainLibrary("libm.so.6"));
  EXPECT_FALSE(IsPlainLibrary("libtorch.so"));
}

TEST(ImportsTest, CudaRuntimeIsForLaunchesOfACudaKernel) {
  for (const char* symbol : {"cudaLaunchKernel", "__cudaRegisterFatBinary", "__cudaPushCallConfiguration", "cudaGetLastError",
                             "cudaMemsetAsync", "cudaFuncSetAttribute", "memcpy"}) {
    EXPECT_FALSE(RuleAgainstImport(symbol, KernelKind::kCuda)) << symbol;
  }
  EXPECT_EQ(RuleAgainstImport("cudaLaunchKernel").value_or("-"), "T6.import");
  const std::vector<std::pair<const char*, const char*>> refused = {
      {"cudaMalloc", "M8.device-memory"},   {"cudaMallocManaged", "M8.device-memory"}, {"cudaHostRegister", "M8.device-memory"},
      {"cudaStreamCreate", "T1.stream"},    {"cudaLaunchHostFunc", "T1.stream"},       {"cudaEventElapsedTime_v2", "T5.clock"},
      {"cudaGraphLaunch", "T10.cuda-graph"}, {"cudaStreamBeginCapture", "T10.cuda-graph"}, {"cudaIpcOpenMemHandle", "H8.memory"},
      {"cudaDeviceSetLimit", "R1.l2-persistence"}, {"cudaMemcpy", "T6.import"},        {"cuMemAlloc_v2", "T6.import"},
      {"dlsym", "T6.dynamic-link"}};
  for (const auto& [symbol, rule] : refused) EXPECT_EQ(RuleAgainstImport(symbol, KernelKind::kCuda).value_or("-"), rule) << symbol;
  EXPECT_TRUE(IsPlainLibrary("libcudart.so.13", KernelKind::kCuda));
  EXPECT_FALSE(IsPlainLibrary("libcudart.so.13"));
  EXPECT_FALSE(IsPlainLibrary("libcuda.so.1", KernelKind::kCuda));
}

TEST(SharedObjectTest, BytesThatAreNoObjectAreRefused) {
  EXPECT_FALSE(ReadSharedObject(""));
  EXPECT_FALSE(ReadSharedObject("\x7f" "ELF"));
  EXPECT_FALSE(ReadSharedObject(std::string(4096, '\0')));
  std::mt19937 draw(3);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes = "\x7f" "ELF\x02\x01\x01";
    while (bytes.size() < 600) bytes += static_cast<char>(draw() % 8 == 0 ? draw() : 0);
    bytes[16] = 3, bytes[17] = 0, bytes[18] = 62, bytes[19] = 0, bytes[54] = 56, bytes[55] = 0, bytes[58] = 64, bytes[59] = 0;
    (void)ReadSharedObject(bytes);  // must not read outside
  }
}

// A library that this test has loaded itself; empty when it is linked in.
std::string LoadedLibrary(const std::string& name) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const size_t path = line.find('/');
    if (path == std::string::npos || line.find(name, path) == std::string::npos) continue;
    std::ifstream file(line.substr(path), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  return {};
}

// An Error or a reading, and never a read outside of the bytes, wherever a real object is damaged or cut.
TEST(SharedObjectTest, DamagedTablesAreReadWithinBounds) {
  const std::string object = LoadedLibrary("libgcc_s.so");
  if (object.empty()) GTEST_SKIP() << "libgcc_s.so is not among the loaded libraries";
  auto read = ReadSharedObject(object);
  ASSERT_TRUE(read) << read.error().context;
  EXPECT_THAT(read.value().needed, testing::Contains("libc.so.6"));
  EXPECT_THAT(read.value().imports, testing::Contains("memcpy"));
  EXPECT_FALSE(read.value().writable_code);
  std::mt19937 draw(11);
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = object;
    for (int flips = 0; flips < 4; ++flips) damaged[draw() % (i % 2 == 0 ? 1024 : damaged.size())] = static_cast<char>(draw());
    (void)ReadSharedObject(damaged);
    (void)ReadSharedObject(std::string_view(object).substr(0, draw() % object.size()));
  }
}

}  // namespace
}  // namespace passnet::evaluator
