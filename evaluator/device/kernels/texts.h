// The sources of this folder as texts, for NVRTC: built in, so that a program carries the kernels that it was tested with.
// Threads: immutable. Owns: nothing. Errors: none.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

namespace passnet::evaluator::kernels {

// By the name that other sources include them under; the first is the one with the entries.
const std::vector<std::pair<std::string_view, std::string_view>>& Texts();

}  // namespace passnet::evaluator::kernels
