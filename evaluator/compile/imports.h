// Which functions of others a kernel may call: arithmetic, memory, text, the C++ library's containers and exceptions.
// Everything else is refused by name, so that the list need not know every way to reach a file, a process or the clock.
// Threads: pure functions. Errors: none.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace passnet::evaluator {

// A .cu also launches its device code through the CUDA runtime.
enum class KernelKind { kCpp, kCuda };

// The rule that a symbol breaks; nothing when a kernel may import it.
std::optional<std::string> RuleAgainstImport(std::string_view symbol, KernelKind kind = KernelKind::kCpp);

// libc.so.6, libm.so.6, libmvec.so.1, libstdc++.so.6, libgcc_s.so.1 and the loader; of a .cu also the CUDA runtime.
bool IsPlainLibrary(std::string_view name, KernelKind kind = KernelKind::kCpp);

}  // namespace passnet::evaluator
