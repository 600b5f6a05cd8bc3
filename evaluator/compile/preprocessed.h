// Reads a kernel as the compiler itself compiles it, after its preprocessor: no macro, no line splice and no trigraph can
// hide a word from it. It looks at every token, those from system headers too, since a macro of the candidate's can put
// tokens there.
// Threads: pure functions. Errors: none; text that no preprocessor writes is a finding.
// Source: GCC's manual, "Preprocessor Output" (line markers); C++20, [lex.phases], [lex.string] (raw strings).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace passnet::evaluator {

inline constexpr size_t kMaxKernelFindings = 20;  // enough to mend a kernel by

// One thing that an honest kernel never needs.
struct KernelFinding {
  std::string file;
  int line = 0;
  std::string rule;  // as those of the screen
  std::string text;
};

struct Preprocessed {
  std::vector<KernelFinding> findings;  // bounded
  bool target_clones = false;           // an attribute for which the compiler makes indirect functions of its own
};

Preprocessed ScreenPreprocessed(std::string_view text);

}  // namespace passnet::evaluator
