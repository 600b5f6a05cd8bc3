#include "passbench/model_names.h"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace passnet::passbench {
namespace {

using List = std::initializer_list<std::string_view>;

bool IsOneOf(std::string_view name, List list) { return std::find(list.begin(), list.end(), name) != list.end(); }

bool StartsWithOneOf(std::string_view name, List list) {
  return std::any_of(list.begin(), list.end(), [&](std::string_view prefix) { return name.starts_with(prefix); });
}

// Of torch itself: what touches files, code, threads or global state instead of tensors.
bool IsHostFunction(std::string_view name) {
  if (name == "set_grad_enabled") return false;  // recorded by torch.fx, part of real graphs
  return StartsWithOneOf(name, {"_", "set_", "import_", "parse_", "load", "save", "compile", "use_deterministic",
                                "init_num_", "read_", "unify_", "merge_type", "fork", "wait"}) ||
         IsOneOf(name, {"from_file", "manual_seed", "seed", "initial_seed", "get_file_path", "prepare_multiprocessing",
                        "export", "vmap", "cond", "while_loop", "autocast", "thread_safe_generator", "Generator",
                        "GradScaler", "FileCheck", "PyTorchFileReader", "PyTorchFileWriter", "classproperty"});
}

// torch's private functions that Dynamo records in graphs of real models.
bool IsRecordedPrivate(std::string_view path) {
  return IsOneOf(path, {"torch._C._set_grad_enabled", "torch._C._log_api_usage_once", "torch._assert",
                        "torch._assert_async", "torch._assert_scalar", "torch._shape_as_tensor",
                        "torch._C._functorch._vmap_increment_nesting", "torch._C._functorch._vmap_decrement_nesting",
                        "torch._C._functorch._add_batch_dim", "torch._C._functorch._remove_batch_dim",
                        "torch._functorch.predispatch._vmap_increment_nesting",
                        "torch._functorch.predispatch._vmap_decrement_nesting",
                        "torch._functorch.predispatch._add_batch_dim",
                        "torch._functorch.predispatch._remove_batch_dim",
                        "torch._functorch.vmap.lazy_load_decompositions",
                        "torch.amp.autocast_mode._enter_autocast", "torch.amp.autocast_mode._exit_autocast"});
}

}  // namespace

bool IsTorchFunction(std::string_view path) {
  if (IsRecordedPrivate(path)) return true;
  const size_t dot = path.rfind('.');
  if (dot == std::string_view::npos) return false;
  const std::string_view space = path.substr(0, dot);
  const std::string_view name = path.substr(dot + 1);
  if (space == "torch") return !IsHostFunction(name);
  if (space == "torch.Tensor") return IsTensorMethod(name);
  if (IsOneOf(space, {"torch._C._nn", "torch._C._fft", "torch._C._linalg", "torch._C._special", "torch._C._sparse"})) {
    return true;
  }
  return IsOneOf(space, {"torch.nn.functional", "torch.functional", "torch.special", "torch.linalg", "torch.fft"}) &&
         !StartsWithOneOf(name, {"__", "boolean_dispatch", "handle_torch_function"});
}

bool IsTorchConstant(std::string_view path) {
  constexpr std::string_view kPrefix = "torch.";
  if (!path.starts_with(kPrefix)) return false;
  return IsOneOf(path.substr(kPrefix.size()),
                 {"float16",    "bfloat16",        "float32",       "float64",         "float",         "double",
                  "half",       "int8",            "int16",         "int32",           "int64",         "int",
                  "long",       "short",           "uint8",         "bool",            "complex64",     "complex128",
                  "cfloat",     "cdouble",         "float8_e4m3fn", "float8_e5m2",     "strided",       "sparse_coo",
                  "inf",        "nan",             "pi",            "channels_last",   "channels_last_3d",
                  "contiguous_format", "preserve_format", "uint16", "uint32",         "uint64"});
}

bool IsTensorMethod(std::string_view name) {
  if (name.starts_with("__")) {
    return IsOneOf(name, {"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__and__", "__or__", "__xor__",
                          "__invert__", "__add__", "__sub__", "__mul__", "__matmul__", "__truediv__", "__floordiv__",
                          "__mod__", "__pow__", "__neg__", "__abs__", "__radd__", "__rsub__", "__rmul__",
                          "__rtruediv__", "__rpow__", "__rand__", "__ror__", "__rxor__", "__iadd__", "__isub__",
                          "__imul__", "__itruediv__", "__iand__", "__ior__", "__ixor__", "__lshift__", "__rshift__",
                          "__getitem__", "__setitem__", "__len__", "__bool__"});
  }
  if (name.starts_with("_")) return false;
  return !IsOneOf(name, {"apply_", "map_", "map2_", "register_hook", "register_post_accumulate_grad_hook", "backward",
                         "set_", "storage", "untyped_storage", "typed_storage", "share_memory_", "numpy", "data_ptr",
                         "module_load", "as_subclass", "format", "tofile", "record_stream"});
}

bool IsTensorAttribute(std::string_view name) {
  return IsOneOf(name, {"shape", "dtype", "device", "layout", "ndim", "T", "H", "mT", "mH", "real", "imag", "data",
                        "is_cuda", "requires_grad", "grad", "itemsize", "nbytes"});
}

}  // namespace passnet::passbench
