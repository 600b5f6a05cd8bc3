#include "evaluator/integrity/kernel_census.h"

#include <algorithm>

namespace passnet::evaluator {
namespace {

bool IsWordLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool IsCuda(std::string_view file) {
  return file.ends_with(".cu") || file.ends_with(".cuh") || file.ends_with(".h") || file.ends_with(".hpp");
}

std::string_view WithoutSpaceAtEnd(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// `name` as a word with a bracket behind it, and before it `def` where that is asked for.
bool Defines(std::string_view text, std::string_view name, bool with_def) {
  for (size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    if (at > 0 && IsWordLetter(text[at - 1])) continue;
    const size_t behind = text.find_first_not_of(" \t", at + name.size());
    if (behind == std::string_view::npos || text[behind] != '(') continue;
    if (!with_def || WithoutSpaceAtEnd(text.substr(0, at)).ends_with("def")) return true;
  }
  return false;
}

}  // namespace

std::string KernelBaseName(std::string_view name) {
  constexpr std::string_view kUnnamed = "(anonymous namespace)::";
  std::string plain(name);
  for (size_t at = plain.find(kUnnamed); at != std::string::npos; at = plain.find(kUnnamed)) plain.erase(at, kUnnamed.size());
  plain.resize(std::min(plain.find_first_of("<("), plain.size()));
  const size_t word = plain.find_last_of(" :");
  return word == std::string::npos ? plain : plain.substr(word + 1);
}

bool DefinesKernel(const std::vector<CandidateFile>& files, const std::string& name) {
  if (name.empty()) return false;
  return std::any_of(files.begin(), files.end(), [&](const CandidateFile& file) {
    const bool python = file.name.ends_with(".py");
    return (python || IsCuda(file.name)) && Defines(file.bytes, name, python);
  });
}

std::vector<KernelUse> KernelsOf(const Witness& witness, const std::vector<CandidateFile>& files) {
  std::vector<KernelUse> kernels;
  const double calls = std::max(witness.calls, 1);
  for (const KernelTime& told : witness.device_kernels) {
    kernels.push_back({told.name, static_cast<double>(told.count) / calls, static_cast<double>(told.nanoseconds) / 1000 / calls,
                       DefinesKernel(files, KernelBaseName(told.name))});
  }
  std::stable_sort(kernels.begin(), kernels.end(),
                   [](const KernelUse& one, const KernelUse& other) { return one.device_us > other.device_us; });
  return kernels;
}

}  // namespace passnet::evaluator
