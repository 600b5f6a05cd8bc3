// What the compiler of kernels says about itself and about the processor that it compiles for: whoever writes a kernel wants
// to know it before.
// Threads: blocking (looks for headers), otherwise pure. Errors: none: what is not known is not told.
// Source: GCC's manual, "Common Predefined Macros" and "x86 Options" (-march=native defines a macro for each extension).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace passnet::evaluator {

// `version`: what `g++ -v` prints. `macros`: what `g++ -march=native -dM -E` prints. `header_folders`: where it looks.
// Keys: "compiler_name" ("g++ 12.2.0"), "vectors" ("avx2 fma f16c avx512f …"), "kernel_features" ("immintrin.h: yes,
// _Float16: yes, __bf16: no").
std::map<std::string, std::string> CompilerFacts(std::string_view version, std::string_view macros,
                                                 const std::vector<std::string>& header_folders);

}  // namespace passnet::evaluator
