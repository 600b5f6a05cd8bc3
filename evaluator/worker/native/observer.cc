#include "evaluator/worker/native/observer.h"

#include <ATen/ATen.h>
#include <ATen/record_function.h>
#include <torch/csrc/autograd/python_variable.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "evaluator/worker/native/device_kernels.h"
#include "evaluator/worker/native/device_memory.h"
#include "evaluator/worker/run_protocol.h"

namespace passnet::worker::observer {
namespace {

constexpr size_t kMostNames = 256;  // of operations and of kernels each; what comes later is counted as one
constexpr size_t kMostNameBytes = 128;
constexpr int kPoison = 0xff;  // NaN in every float type, -1 in integers

using Counts = std::vector<std::pair<std::string, uint64_t>>;  // in the order of their first

struct Seen {
  uint64_t functions = 0;  // calls of the candidate's function
  Counts operations, kernels;
  uint64_t copied = 0;       // bytes that torch's own copies and fills wrote
  uint64_t unexplained = 0;  // results in memory of their own that nothing which was seen has written
  bool lost = false;         // the callback was not called for an operation of ours
};

uint32_t g_mode = PN_OBSERVE_NOTHING;
int g_depth = 0;  // of calls of the candidate's function
bool g_beating = false, g_beat = false;
uint64_t g_writers = 0;  // launches, copies and fills of this call
std::optional<at::CallbackHandle> g_handle;
Seen g_seen;

void Count(Counts& counts, std::string name) {
  if (name.size() > kMostNameBytes) name.resize(kMostNameBytes);
  const auto found = std::find_if(counts.begin(), counts.end(), [&](const auto& entry) { return entry.first == name; });
  if (found != counts.end()) {
    ++found->second;
  } else if (counts.size() < kMostNames) {
    counts.emplace_back(std::move(name), 1);
  } else {
    ++counts.back().second;
  }
}

// `Values`: inputs and outputs come as different kinds of list.
template <typename Values>
const at::Tensor* FirstTensor(const Values& values) {
  return values.size() > 0 && values[0].isTensor() ? &values[0].toTensor() : nullptr;
}

bool Writes(std::string_view name) {
  return name == "aten::copy_" || name == "aten::fill_" || name == "aten::zero_";
}

bool MakesMemory(std::string_view name) {
  return name == "aten::empty" || name == "aten::empty_strided" || name == "aten::empty_like" ||
         name == "aten::new_empty" || name == "aten::new_empty_strided";
}

std::unique_ptr<at::ObserverContext> Started(const at::RecordFunction& function) {
  const std::string_view name = function.name();
  if (g_beating) {
    g_beat = true;
    return nullptr;
  }
  if (g_depth == 0) return nullptr;
  // A list of numbers becomes a tensor without an operation that writes it, but never without this one.
  if (Writes(name) || name == "aten::lift_fresh") ++g_writers;
  if (g_mode != PN_OBSERVE_CENSUS) return nullptr;
  if (Writes(name) || name == "aten::lift_fresh") recorder::Wrote(name);
  Count(g_seen.operations, std::string(name));
  if (!Writes(name)) return nullptr;
  const at::Tensor* to = FirstTensor(function.inputs());
  if (to != nullptr && to->defined()) g_seen.copied += to->nbytes();
  return nullptr;
}

// Device memory is written by torch, on its own stream, unobserved.
void FillOnDevice(const at::Tensor& tensor) {
  at::DisableRecordFunctionGuard unseen;
  if (tensor.is_floating_point() || tensor.is_complex()) {
    tensor.fill_(std::numeric_limits<double>::quiet_NaN());
  } else {
    tensor.fill_(tensor.scalar_type() == at::kByte ? kPoison : -1);
  }
}

// All of the memory that a tensor lies in.
void PoisonAll(const at::Tensor& made) {
  const at::Storage& storage = made.storage();
  const auto bytes = static_cast<int64_t>(storage.nbytes());
  if (bytes == 0) return;
  if (made.device().is_cpu()) {
    std::memset(storage.mutable_data(), kPoison, storage.nbytes());
    return;
  }
  at::DisableRecordFunctionGuard unseen;
  FillOnDevice(at::empty({0}, made.options().dtype(at::kByte)).set_(storage, 0, {bytes}, {1}));
}

// Old answers may lie in memory that is handed out again.
void Ended(const at::RecordFunction& function, at::ObserverContext*) {
  if (g_depth == 0 || g_beating || !MakesMemory(function.name())) return;
  const at::Tensor* made = FirstTensor(function.outputs());
  if (made == nullptr || !made->defined() || !made->has_storage() || !device_memory::OnLane(*made)) return;
  if (g_mode == PN_OBSERVE_CENSUS) recorder::Made(*made);
  if (g_mode == PN_OBSERVE_GHOST) PoisonAll(*made);
}

// Element by element, since what lies between them may be somebody else's.
void Overwrite(const DLTensor& tensor, int32_t dim, char* at) {
  const auto width = static_cast<int64_t>(tensor.dtype.bits / 8);
  if (dim == tensor.ndim) {
    std::memset(at, kPoison, static_cast<size_t>(width));
    return;
  }
  const int64_t size = tensor.shape[dim], step = tensor.strides[dim] * width;
  if (dim + 1 == tensor.ndim && step == width) {
    std::memset(at, kPoison, static_cast<size_t>(size * width));
    return;
  }
  for (int64_t i = 0; i < size; ++i) Overwrite(tensor, dim + 1, at + i * step);
}

void CheckBeat() {
  g_beating = true;
  g_beat = false;
  at::empty({0});
  g_beating = false;
  if (!g_beat) g_seen.lost = true;
}

bool LiesIn(const at::Tensor& tensor, PyObject* const* args, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (THPVariable_Check(args[i]) && THPVariable_Unpack(args[i]).is_alias_of(tensor)) return true;
  }
  return false;
}

// A fresh tensor that nobody else holds, in a call in which neither a kernel nor a copy was seen.
bool Unexplained(PyObject* item, PyObject* const* args, size_t count) {
  if (g_writers > 0 || !THPVariable_CheckExact(item) || Py_REFCNT(item) != 1) return false;
  const at::Tensor& tensor = THPVariable_Unpack(item);
  if (tensor.numel() == 0 || !tensor.has_storage() || tensor.storage().use_count() != 1) return false;
  return !LiesIn(tensor, args, count);
}

std::string Quoted(const std::string& name) {
  std::string text = "\"";
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                       c == ':' || c == '.' || c == ' ';
    text += plain ? c : '?';
  }
  return text + "\"";
}

std::string List(const Counts& counts) {
  std::string text;
  for (const auto& [name, count] : counts) {
    text += (text.empty() ? "" : ", ") + std::string("{\"name\": ") + Quoted(name) + ", \"count\": " +
            std::to_string(count) + "}";
  }
  return "[" + text + "]";
}

// Where kernels run that CUPTI knows; those of a stand-in driver run on the host.
bool OnGpu() { return device_memory::CudaIndex() >= 0; }

}  // namespace

void Begin(uint32_t mode) {
  g_mode = mode;
  if (mode == PN_OBSERVE_CENSUS) {
    g_seen = Seen();
    recorder::Begin();
    if (OnGpu()) device_kernels::Begin();
  }
  g_handle = at::addGlobalCallback(at::RecordFunctionCallback(Started, Ended)
                                       .scopes({at::RecordScope::FUNCTION})
                                       .needsInputs(true)
                                       .needsOutputs(true));
}

void End() {
  if (g_mode == PN_OBSERVE_CENSUS && OnGpu()) {
    (void)device_memory::DeviceError();  // what has not ended is not recorded; who was wrong is told elsewhere
    device_kernels::End();
  }
  if (g_handle) at::removeCallback(*g_handle);
  g_handle.reset();
  g_mode = PN_OBSERVE_NOTHING;
  g_depth = 0;
}

bool On() { return g_mode != PN_OBSERVE_NOTHING; }

void NextGraphCall() {
  if (g_mode == PN_OBSERVE_CENSUS) recorder::NextGraphCall();
}

void EnterCall(PyObject* const* args, size_t count) {
  ++g_depth;
  g_writers = 0;
  if (g_mode != PN_OBSERVE_CENSUS) return;
  ++g_seen.functions;
  recorder::EnterCall(args, count);
}

void LeaveCall(PyObject* const* args, size_t count, PyObject* result) {
  CheckBeat();
  --g_depth;
  // Before owners of the result's memory are counted, of which the recorder is one.
  if (g_mode == PN_OBSERVE_CENSUS) recorder::LeaveCall(result);
  if (result == nullptr || g_mode != PN_OBSERVE_CENSUS) return;
  const bool many = PyTuple_Check(result) || PyList_Check(result);
  const Py_ssize_t items = many ? PySequence_Fast_GET_SIZE(result) : 1;
  for (Py_ssize_t i = 0; i < items; ++i) {
    PyObject* item = many ? PySequence_Fast_GET_ITEM(result, i) : result;
    if (Unexplained(item, args, count)) ++g_seen.unexplained;
  }
}

bool Launch(const recorder::KernelLaunch& launch, const DLTensor* outputs, int32_t count) {
  ++g_writers;
  if (g_mode == PN_OBSERVE_CENSUS) {
    const char* text = PyUnicode_AsUTF8(launch.function);
    PyErr_Clear();
    recorder::Launch(launch);
    Count(g_seen.kernels, text != nullptr ? text : "?");
    return false;
  }
  for (int32_t i = 0; i < count; ++i) {
    if (outputs[i].device.device_type != kDLCPU) {
      FillOnDevice(THPVariable_Unpack(PySequence_Fast_GET_ITEM(launch.outputs, i)));
    } else if (outputs[i].data != nullptr) {
      Overwrite(outputs[i], 0, static_cast<char*>(outputs[i].data));
    }
  }
  return true;
}

bool LaunchOtherwise(const std::string& kernel) {
  ++g_writers;
  if (g_mode != PN_OBSERVE_CENSUS) return true;
  recorder::LaunchedOtherwise();
  Count(g_seen.kernels, kernel);
  return false;
}

std::string Tell(uint64_t nonce) {
  return "{\"nonce\": " + std::to_string(nonce) + ", \"functions\": " + std::to_string(g_seen.functions) +
         ", \"operations\": " + List(g_seen.operations) + ", \"kernels\": " + List(g_seen.kernels) +
         ", \"copied\": " + std::to_string(g_seen.copied) + ", \"unexplained\": " + std::to_string(g_seen.unexplained) +
         ", \"lost\": " + (g_seen.lost ? "true" : "false") + ", \"replay\": " + recorder::Tell() +
         ", \"device_kernels\": " + device_kernels::Tell() + "}";
}

}  // namespace passnet::worker::observer
