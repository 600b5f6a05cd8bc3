#include "evaluator/integrity/allowed_operations.h"

#include <algorithm>
#include <array>

namespace passnet::evaluator::integrity {
namespace {

constexpr uint64_t kFreeBytes = 1u << 20;  // a call: graphs of a few numbers may copy their constants

// What tells about a tensor, or gives the same memory in another shape.
constexpr std::array kViews{
    "alias", "_reshape_alias", "_unsafe_view", "align_as", "align_to", "as_strided", "as_strided_", "atleast_1d",
    "atleast_2d", "atleast_3d", "broadcast_tensors", "broadcast_to", "chunk", "detach", "detach_", "diagonal", "expand",
    "expand_as", "flatten", "lift", "lift_fresh", "matrix_H", "mH", "mT", "movedim", "moveaxis", "narrow", "numpy_T",
    "permute", "ravel", "reshape", "reshape_as", "rename", "select", "slice", "split", "split_with_sizes", "squeeze",
    "squeeze_", "swapaxes", "swapdims", "t", "t_", "tensor_split", "transpose", "transpose_", "unbind", "unflatten",
    "unfold", "unsafe_chunk", "unsafe_split", "unsafe_split_with_sizes", "unsqueeze", "unsqueeze_", "view", "view_as",
    "view_as_complex", "view_as_real",
};
constexpr std::array kMetadata{
    "_has_compatible_shallow_copy_type", "_is_zerotensor", "_version", "can_cast", "dense_dim", "dim", "has_names",
    "is_complex", "is_conj", "is_contiguous", "is_floating_point", "is_inference", "is_leaf", "is_neg", "is_nonzero",
    "is_non_overlapping_and_dense", "is_pinned", "is_same_size", "is_set_to", "is_signed", "item", "_local_scalar_dense",
    "numel", "output_nr", "promote_types", "requires_grad_", "resolve_conj", "resolve_neg", "result_type", "retains_grad",
    "set_data", "size", "storage_offset", "stride", "sym_numel", "sym_size", "sym_storage_offset", "sym_stride",
};
// Memory without content, or with the same value everywhere.
constexpr std::array kFactories{
    "empty", "empty_like", "empty_permuted", "empty_strided", "full", "full_like", "new_empty", "new_empty_strided",
    "new_full", "new_ones", "new_zeros", "ones", "ones_like", "resize_", "resize_as_", "scalar_tensor", "zeros",
    "zeros_like", "_efficientzerotensor",
};
// Charged: bytes that torch moves instead of the candidate.
constexpr std::array kCopies{
    "_copy_from", "_to_copy", "clone", "contiguous", "copy_", "fill_", "to", "type_as", "zero_",
};

template <size_t N>
bool Contains(const std::array<const char*, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

bool IsAllowedOperation(std::string_view name) {
  constexpr std::string_view kLibrary = "aten::";
  if (name == "detach" || name == "detach_") return true;  // torch announces these views without their library
  if (name.substr(0, kLibrary.size()) != kLibrary) return false;
  name.remove_prefix(kLibrary.size());
  return Contains(kViews, name) || Contains(kMetadata, name) || Contains(kFactories, name) || Contains(kCopies, name);
}

std::vector<Counted> Refused(const std::vector<Counted>& operations) {
  std::vector<Counted> refused;
  for (const Counted& operation : operations) {
    if (!IsAllowedOperation(operation.name)) refused.push_back(operation);
  }
  return refused;
}

uint64_t MostCopied(const Witness& witness) {
  return static_cast<uint64_t>(witness.calls) * (kCopiedShare * witness.call_bytes + kFreeBytes);
}

}  // namespace passnet::evaluator::integrity
