#include "evaluator/compile/compiler_facts.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/fakes/temp_folder.h"

namespace passnet::evaluator {
namespace {

const std::string kVersion = "Target: x86_64-linux-gnu\ngcc version 12.2.0 (Debian 12.2.0-14+deb12u1) \n";

TEST(CompilerFactsTest, ToldByVersionAndMacros) {
  const fakes::TempFolder folder("compiler_facts");
  std::ofstream(folder / "immintrin.h") << "\n";
  const std::string macros = "#define __AVX512F__ 1\n#define __SSE2__ 1\n#define __FLT16_MAX__ 6.5e+4F16\n#define __AVX2__ 1\n";
  auto facts = CompilerFacts(kVersion, macros, {"/nowhere", folder.path().native()});
  EXPECT_EQ(facts["compiler_name"], "g++ 12.2.0");
  EXPECT_EQ(facts["vectors"], "avx2 avx512f");
  EXPECT_EQ(facts["kernel_features"], "immintrin.h: yes, _Float16: yes, __bf16: no");
}

TEST(CompilerFactsTest, WhatIsMissingIsNotGuessed) {
  const fakes::TempFolder folder("compiler_facts");
  std::ofstream(folder / "immintrin.h") << "\n";
  auto facts = CompilerFacts("clang version 19", "#define __ARM_NEON 1\n#define X__SSE2__ 1\n", {folder.path().native()});
  EXPECT_EQ(facts.count("compiler_name"), 0u);
  EXPECT_EQ(facts["vectors"], "neon");
  EXPECT_EQ(facts["kernel_features"], "immintrin.h: no, _Float16: no, __bf16: no");
  EXPECT_EQ(CompilerFacts(kVersion, "", {}).size(), 1u);
}

}  // namespace
}  // namespace passnet::evaluator
