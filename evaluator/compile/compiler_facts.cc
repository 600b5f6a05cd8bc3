#include "evaluator/compile/compiler_facts.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>
#include <utility>

namespace passnet::evaluator {
namespace {

using Extension = std::pair<std::string_view, std::string_view>;  // the macro, and the name that people know

// Those that matter to arithmetic on fp32, fp16 and bf16.
constexpr std::array<Extension, 24> kExtensions = {{{"__SSE4_2__", "sse4.2"},
                                                    {"__AVX__", "avx"},
                                                    {"__AVX2__", "avx2"},
                                                    {"__FMA__", "fma"},
                                                    {"__F16C__", "f16c"},
                                                    {"__AVXVNNI__", "avx-vnni"},
                                                    {"__AVX512F__", "avx512f"},
                                                    {"__AVX512VL__", "avx512vl"},
                                                    {"__AVX512BW__", "avx512bw"},
                                                    {"__AVX512DQ__", "avx512dq"},
                                                    {"__AVX512CD__", "avx512cd"},
                                                    {"__AVX512VBMI__", "avx512vbmi"},
                                                    {"__AVX512VBMI2__", "avx512vbmi2"},
                                                    {"__AVX512VNNI__", "avx512vnni"},
                                                    {"__AVX512BF16__", "avx512bf16"},
                                                    {"__AVX512FP16__", "avx512fp16"},
                                                    {"__AMX_TILE__", "amx-tile"},
                                                    {"__AMX_BF16__", "amx-bf16"},
                                                    {"__AMX_INT8__", "amx-int8"},
                                                    {"__ARM_NEON", "neon"},
                                                    {"__ARM_FEATURE_FP16_VECTOR_ARITHMETIC", "fp16"},
                                                    {"__ARM_FEATURE_BF16", "bf16"},
                                                    {"__ARM_FEATURE_SVE", "sve"},
                                                    {"__ARM_FEATURE_SVE2", "sve2"}}};

bool Defines(std::string_view macros, std::string_view name) {
  const std::string line = "#define " + std::string(name) + " ";
  return macros.starts_with(line) || macros.find("\n" + line) != std::string_view::npos;
}

std::string NameOfCompiler(std::string_view version) {
  constexpr std::string_view kBefore = "gcc version ";
  const size_t at = version.find(kBefore);
  if (at == std::string_view::npos) return {};
  const std::string_view number = version.substr(at + kBefore.size());
  return "g++ " + std::string(number.substr(0, number.find_first_of(" \n")));
}

bool HasHeader(const std::vector<std::string>& folders, const char* name) {
  return std::any_of(folders.begin(), folders.end(), [&](const std::string& folder) {
    std::error_code failed;
    return std::filesystem::exists(std::filesystem::path(folder) / name, failed);
  });
}

}  // namespace

std::map<std::string, std::string> CompilerFacts(std::string_view version, std::string_view macros,
                                                 const std::vector<std::string>& header_folders) {
  std::map<std::string, std::string> facts;
  if (std::string name = NameOfCompiler(version); !name.empty()) facts["compiler_name"] = std::move(name);
  if (macros.empty()) return facts;
  std::string vectors;
  for (const auto& [macro, name] : kExtensions) {
    if (Defines(macros, macro)) vectors += (vectors.empty() ? "" : " ") + std::string(name);
  }
  facts["vectors"] = vectors.empty() ? "none" : vectors;
  const auto yes = [](bool is) { return is ? ": yes" : ": no"; };
  // The header exists for other processors too, where it refuses to be included. A type has its limits' macros or is none.
  const bool intrinsics = Defines(macros, "__SSE2__") && HasHeader(header_folders, "immintrin.h");
  facts["kernel_features"] = std::string("immintrin.h") + yes(intrinsics) + ", _Float16" +
                             yes(Defines(macros, "__FLT16_MAX__")) + ", __bf16" + yes(Defines(macros, "__BFLT16_MAX__"));
  return facts;
}

}  // namespace passnet::evaluator
