#include "evaluator/worker/native/recorder.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/python_variable.h>

#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "evaluator/worker/native/device_memory.h"

namespace passnet::worker::recorder {
namespace {

// Of a function's call. An honest one launches a kernel or a few; the evaluator reads no more (launch_list.h).
constexpr size_t kMostLaunches = 64;
constexpr size_t kMostPlaces = 64;  // tensors
constexpr size_t kMostCalls = 64;  // of the function in a call of the graph
constexpr size_t kMostTextBytes = 512u << 10;
constexpr size_t kMostNameBytes = 128;
constexpr int64_t kMostDims = 8;
constexpr size_t kMostArguments = 255;
constexpr Py_ssize_t kMostResults = 32;

// A tensor in which arguments and results may lie: one that the function was given, or one that it made.
struct Place {
  at::Storage storage;  // held, so that no address comes up twice in a call
  int64_t argument = -1;
  int at_type = 0;
  int64_t width = 1;  // bytes of an element
  std::vector<int64_t> shape, strides;
  const char* data = nullptr;
  int64_t bytes = 0;  // from the first element to behind the last
};

struct Recording {
  std::vector<Place> places;
  std::vector<std::string> launches;
  int64_t arguments = 0;
};

std::vector<std::string> g_calls;  // of the first call of the graph
size_t g_graph_calls = 0, g_next = 0, g_text_bytes = 0;
int g_depth = 0;
Recording g_now;
std::string g_why;  // there is no list

void Refuse(std::string why) {
  if (g_why.empty()) g_why = std::move(why);
}

int64_t ExtentBytes(const at::Tensor& tensor) {
  if (tensor.numel() == 0) return 0;
  int64_t last = 0;
  for (int64_t d = 0; d < tensor.dim(); ++d) last += (tensor.size(d) - 1) * tensor.stride(d);
  return (last + 1) * static_cast<int64_t>(tensor.element_size());
}

bool IsPlain(const at::Tensor& tensor) {
  return tensor.defined() && tensor.layout() == at::kStrided && device_memory::OnLane(tensor) && tensor.has_storage() &&
         tensor.dim() <= kMostDims && !tensor.is_conj() && !tensor.is_neg();
}

std::string Numbers(at::IntArrayRef values) {
  std::string text;
  for (const int64_t value : values) text += (text.empty() ? "" : ", ") + std::to_string(value);
  return "[" + text + "]";
}

void AddPlace(const at::Tensor& tensor, int64_t argument) {
  if (!IsPlain(tensor) || g_now.places.size() >= kMostPlaces) {
    if (argument < 0) Refuse("it makes more or other memory than can be listed");
    return;
  }
  g_now.places.push_back({tensor.storage(), argument, static_cast<int>(tensor.scalar_type()),
                          static_cast<int64_t>(tensor.element_size()), tensor.sizes().vec(), tensor.strides().vec(),
                          static_cast<const char*>(tensor.const_data_ptr()), ExtentBytes(tensor)});
}

// Where a tensor lies, as JSON; empty, with the reason told, where it lies in nothing that the call was given or made.
std::string View(const at::Tensor& tensor, const char* what) {
  if (!IsPlain(tensor) || tensor.numel() == 0) {
    Refuse(std::string(what) + " is no plain tensor with elements");
    return "";
  }
  const auto* data = static_cast<const char*>(tensor.const_data_ptr());
  for (size_t i = 0; i < g_now.places.size(); ++i) {
    const Place& place = g_now.places[i];
    const int64_t offset = data - place.data;
    if (data < place.data || offset + ExtentBytes(tensor) > place.bytes) continue;
    if (place.at_type != static_cast<int>(tensor.scalar_type()) || offset % place.width != 0) {
      Refuse(std::string(what) + " has another type than the memory that it lies in");
      return "";
    }
    return "{\"place\": " + std::to_string(i) + ", \"offset\": " + std::to_string(offset / place.width) +
           ", \"shape\": " + Numbers(tensor.sizes()) + ", \"strides\": " + Numbers(tensor.strides()) + "}";
  }
  Refuse(std::string(what) + " is neither one of the call's inputs nor memory made in it");
  return "";
}

std::string Views(PyObject* sequence, const char* what) {
  std::string text;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(sequence); ++i) {
    PyObject* item = PySequence_Fast_GET_ITEM(sequence, i);
    if (!THPVariable_Check(item)) {
      Refuse(std::string(what) + " is no tensor");
      return "[]";
    }
    text += (i > 0 ? ", " : "") + View(THPVariable_Unpack(item), what);
  }
  return "[" + text + "]";
}

std::string Scalars(const PnScalar* scalars, int32_t count) {
  std::string text;
  for (int32_t i = 0; i < count; ++i) {
    int64_t bits = scalars[i].i;
    if (scalars[i].is_float != 0) std::memcpy(&bits, &scalars[i].f, sizeof bits);
    text += (i > 0 ? ", " : "") + std::string("{\"float\": ") + (scalars[i].is_float != 0 ? "true" : "false") +
            ", \"bits\": " + std::to_string(bits) + "}";
  }
  return "[" + text + "]";
}

std::string Places() {
  std::string text;
  for (const Place& place : g_now.places) {
    text += (text.empty() ? "" : ", ") + std::string("{\"argument\": ") + std::to_string(place.argument) +
            ", \"type\": " + std::to_string(place.at_type) + ", \"shape\": " + Numbers(place.shape) +
            ", \"strides\": " + Numbers(place.strides) + "}";
  }
  return "[" + text + "]";
}

// A name that needs no escape in JSON; `more` beside letters, digits and "_".
bool IsName(const char* name, std::string_view more) {
  if (name == nullptr || std::strlen(name) > kMostNameBytes) return false;
  for (const char* at = name; *at != 0; ++at) {
    const char c = *at;
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (!plain && more.find(c) == std::string_view::npos) return false;
  }
  return *name != 0;
}

std::string Joined(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : ", ") + item;
  return "[" + text + "]";
}

void Keep(std::string call) {
  const size_t index = g_next++;
  if (g_graph_calls > 1) {
    if (index >= g_calls.size() || g_calls[index] != call) Refuse("its launches are not the same in every call");
    return;
  }
  g_text_bytes += call.size();
  if (g_calls.size() >= kMostCalls || g_text_bytes > kMostTextBytes) {
    Refuse("its launches are more than can be listed");
    return;
  }
  g_calls.push_back(std::move(call));
}

}  // namespace

void Begin() {
  g_calls.clear();
  g_why.clear();
  g_graph_calls = g_next = g_text_bytes = 0;
  g_depth = 0;
  g_now = Recording();
}

void NextGraphCall() {
  if (g_graph_calls > 0 && g_next != g_calls.size()) Refuse("its launches are not the same in every call");
  ++g_graph_calls;
  g_next = 0;
}

void EnterCall(PyObject* const* args, size_t count) {
  if (++g_depth > 1) return Refuse("it calls itself");
  g_now = Recording();
  if (count > kMostArguments) return Refuse("it takes more arguments than can be listed");
  g_now.arguments = static_cast<int64_t>(count);
  for (size_t i = 0; i < count; ++i) {
    if (THPVariable_Check(args[i])) AddPlace(THPVariable_Unpack(args[i]), static_cast<int64_t>(i));
  }
}

void LeaveCall(PyObject* result) {
  if (--g_depth > 0 || result == nullptr || !g_why.empty()) {
    g_now = Recording();
    return;
  }
  const bool many = PyTuple_Check(result) || PyList_Check(result);
  if (many && PySequence_Fast_GET_SIZE(result) > kMostResults) Refuse("it returns more than can be listed");
  std::string results = many ? Views(result, "what it returns") : "";
  if (!many && THPVariable_Check(result)) results = "[" + View(THPVariable_Unpack(result), "what it returns") + "]";
  if (results.empty()) Refuse("it returns something that is no tensor");
  if (g_why.empty()) {
    Keep("{\"arguments\": " + std::to_string(g_now.arguments) + ", \"places\": " + Places() + ", \"launches\": " +
         Joined(g_now.launches) + ", \"many\": " + (many ? "true" : "false") + ", \"results\": " + results + "}");
  }
  g_now = Recording();
}

void Made(const at::Tensor& tensor) {
  if (g_depth == 0) return;
  // empty_like() is announced, and the empty() that it is made of.
  for (const Place& place : g_now.places) {
    if (place.argument < 0 && place.storage.is_alias_of(tensor.storage())) return;
  }
  AddPlace(tensor, -1);
}

void Wrote(std::string_view operation) {
  if (g_depth > 0) Refuse("torch writes beside its kernels (" + std::string(operation.substr(0, 64)) + ")");
}

void LaunchedOtherwise() { Refuse("it launches kernels of Triton's, which no list holds"); }

void Launch(const KernelLaunch& launch) {
  if (g_depth == 0) return Refuse("a kernel runs outside of its function");
  if (!g_why.empty()) return;
  const char* kernel = PyUnicode_AsUTF8(launch.kernel);
  const char* function = PyUnicode_AsUTF8(launch.function);
  PyErr_Clear();
  if (!IsName(kernel, "-.") || !IsName(function, "")) return Refuse("a kernel has a name that cannot be listed");
  if (g_now.launches.size() >= kMostLaunches) return Refuse("its launches are more than can be listed");
  g_now.launches.push_back("{\"kernel\": \"" + std::string(kernel) + "\", \"function\": \"" + function + "\", \"inputs\": " +
                           Views(launch.inputs, "an input of a kernel") + ", \"outputs\": " +
                           Views(launch.outputs, "an output of a kernel") + ", \"scalars\": " +
                           Scalars(launch.scalars, launch.scalar_count) + "}");
}

std::string Tell() {
  if (g_why.empty() && g_next != g_calls.size()) Refuse("its launches are not the same in every call");
  const std::string calls = g_why.empty() ? Joined(g_calls) : "[]";
  return "{\"why\": \"" + g_why + "\", \"calls\": " + calls + "}";
}

}  // namespace passnet::worker::recorder
