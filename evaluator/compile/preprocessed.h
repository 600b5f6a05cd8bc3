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

// Which text of a kernel it is. nvcc makes two for the host: its front end reads the second and writes the third, without
// the bodies of device code and with what registers them.
enum class KernelText {
  kCpp,         // of a .cc: what g++ compiles
  kCudaSource,  // of a .cu, as its author wrote it: asm may be PTX here and is not judged
  kCudaHost,    // what g++ compiles of a .cu: the attributes of nvcc's own part are not judged, nor is its one asm
};

Preprocessed ScreenPreprocessed(std::string_view text, KernelText kind = KernelText::kCpp);

}  // namespace passnet::evaluator
