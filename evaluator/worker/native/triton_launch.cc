#include "evaluator/worker/native/triton_launch.h"

#include <ATen/ATen.h>
#include <structmember.h>
#include <torch/csrc/autograd/python_variable.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "evaluator/worker/native/device_memory.h"
#include "evaluator/worker/native/driver.h"
#include "evaluator/worker/native/observer.h"

namespace passnet::worker {
namespace {

constexpr size_t kMostParameters = 256;  // chosen: of 8 bytes each, half of what CUDA takes at least
constexpr int kSharedForAll = 48 << 10;  // of shared memory, what a kernel has without asking for more

// A launcher is called with these, and then the kernel's own arguments. In the place of the packed metadata, which nothing here
// needs, stands a number where the kernel works with scratch memory.
enum LaunchArgument { kGridX, kGridY, kGridZ, kStream, kFunction, kScratch, kMetadata, kEnterHook, kExitHook, kFirstOwn };

enum class Kind { kSkipped, kPointer, kInteger, kHalf, kBfloat16, kFloat, kDouble, kTuple };

struct Parameter {
  Kind kind = Kind::kSkipped;
  std::vector<Parameter> items;  // of a tuple
};

struct Launcher {
  std::string name;
  std::vector<Parameter> signature;
  unsigned threads = 0, shared = 0;
};

struct LauncherObject {
  PyObject_HEAD
  vectorcallfunc call;
  Launcher* launcher;
};

// A kernel's parameters, each in a place of its own.
class Parameters {
 public:
  bool Add(uint64_t bits) {
    if (count_ == kMostParameters) {
      PyErr_Format(PyExc_ValueError, "a kernel with more than %zu parameters", kMostParameters);
      return false;
    }
    values_[count_] = bits;
    places_[count_] = &values_[count_];
    ++count_;
    return true;
  }
  void** places() { return places_; }

 private:
  uint64_t values_[kMostParameters];
  void* places_[kMostParameters];
  size_t count_ = 0;
};

template <typename T>
uint64_t BitsOf(T value) {
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return bits;
}

bool AddressOf(PyObject* value, uint64_t* address) {
  *address = 0;
  if (value == Py_None) return true;
  if (THPVariable_Check(value)) {
    const at::Tensor& tensor = THPVariable_Unpack(value);
    *address = reinterpret_cast<uint64_t>(tensor.data_ptr());
    if (device_memory::OnLane(tensor) || *address == 0) return true;
    PyErr_SetString(PyExc_ValueError, "a kernel's pointer must be a tensor on the lane's device");
    return false;
  }
  PyObject* number = nullptr;
  if (PyLong_Check(value)) {
    Py_INCREF(value);
    number = value;
  } else {
    number = PyObject_CallMethod(value, "data_ptr", nullptr);
  }
  if (number != nullptr) *address = PyLong_AsUnsignedLongLong(number);
  Py_XDECREF(number);
  return PyErr_Occurred() == nullptr;
}

bool AddValue(Kind kind, PyObject* value, Parameters* parameters) {
  uint64_t bits = 0;
  double number = 0;
  switch (kind) {
    case Kind::kSkipped:
    case Kind::kTuple: return true;
    case Kind::kPointer:
      if (!AddressOf(value, &bits)) return false;
      return parameters->Add(bits);
    case Kind::kInteger: bits = PyLong_AsUnsignedLongLongMask(value); break;  // its low bytes are the parameter's
    default: number = PyFloat_AsDouble(value);
  }
  if (PyErr_Occurred() != nullptr) return false;
  if (kind == Kind::kHalf) bits = BitsOf(c10::Half(static_cast<float>(number)));
  if (kind == Kind::kBfloat16) bits = BitsOf(c10::BFloat16(static_cast<float>(number)));
  if (kind == Kind::kFloat) bits = BitsOf(static_cast<float>(number));
  if (kind == Kind::kDouble) bits = BitsOf(number);
  return parameters->Add(bits);
}

bool AddAll(const std::vector<Parameter>& signature, PyObject* const* values, size_t count, Parameters* parameters) {
  if (count != signature.size()) {
    PyErr_Format(PyExc_TypeError, "%zu arguments for a kernel that takes %zu", count, signature.size());
    return false;
  }
  for (size_t i = 0; i < count; ++i) {
    if (signature[i].kind != Kind::kTuple) {
      if (!AddValue(signature[i].kind, values[i], parameters)) return false;
      continue;
    }
    PyObject* items = PySequence_Fast(values[i], "a tuple is expected");
    const bool added = items != nullptr && AddAll(signature[i].items, PySequence_Fast_ITEMS(items),
                                                  static_cast<size_t>(PySequence_Fast_GET_SIZE(items)), parameters);
    Py_XDECREF(items);
    if (!added) return false;
  }
  return true;
}

PyObject* CallLauncher(PyObject* self, PyObject* const* args, size_t flags, PyObject* names) {
  const Launcher& launcher = *reinterpret_cast<LauncherObject*>(self)->launcher;
  const auto count = static_cast<size_t>(PyVectorcall_NARGS(flags));
  if (names != nullptr || count < kFirstOwn) {
    PyErr_SetString(PyExc_TypeError, "a launcher is called by Triton, with its own arguments first");
    return nullptr;
  }
  unsigned long grid[3];
  for (int i = kGridX; i <= kGridZ; ++i) grid[i] = PyLong_AsUnsignedLong(args[i]);
  void* stream = PyLong_AsVoidPtr(args[kStream]);
  void* function = PyLong_AsVoidPtr(args[kFunction]);
  const uint64_t scratch = PyLong_Check(args[kScratch]) ? PyLong_AsUnsignedLongLong(args[kScratch]) : 0;
  if (PyErr_Occurred() != nullptr) return nullptr;
  Parameters parameters;
  if (!AddAll(launcher.signature, args + kFirstOwn, count - kFirstOwn, &parameters)) return nullptr;
  constexpr uint64_t kNoProfile = 0;
  if (!parameters.Add(scratch) || !parameters.Add(kNoProfile)) return nullptr;
  if (grid[kGridX] == 0 || grid[kGridY] == 0 || grid[kGridZ] == 0) Py_RETURN_NONE;
  if (observer::On() && observer::LaunchOtherwise(launcher.name)) Py_RETURN_NONE;
  const cuda::Code code = LoadedDriver()->cuLaunchKernel(
      static_cast<cuda::Function>(function), static_cast<unsigned>(grid[kGridX]), static_cast<unsigned>(grid[kGridY]),
      static_cast<unsigned>(grid[kGridZ]), launcher.threads, 1, 1, launcher.shared, static_cast<cuda::Stream>(stream),
      parameters.places(), nullptr);
  if (!CheckCuda(code, ("launch of " + launcher.name).c_str())) return nullptr;
  Py_RETURN_NONE;
}

struct NamedKind {
  std::string_view type;
  Kind kind;
};
constexpr NamedKind kNamedKinds[] = {
    {"constexpr", Kind::kSkipped}, {"i1", Kind::kInteger},  {"i8", Kind::kInteger},  {"i16", Kind::kInteger},
    {"i32", Kind::kInteger},       {"i64", Kind::kInteger}, {"u1", Kind::kInteger},  {"u8", Kind::kInteger},
    {"u16", Kind::kInteger},       {"u32", Kind::kInteger}, {"u64", Kind::kInteger}, {"fp16", Kind::kHalf},
    {"bf16", Kind::kBfloat16},     {"fp32", Kind::kFloat},  {"f32", Kind::kFloat},   {"fp64", Kind::kDouble}};

// Everything else is a pointer or cannot be passed.
bool KindOf(std::string_view type, Kind* kind) {
  for (const NamedKind& named : kNamedKinds) {
    if (type != named.type) continue;
    *kind = named.kind;
    return true;
  }
  *kind = Kind::kPointer;
  return !type.empty() && type[0] == '*';
}

bool ReadSignature(PyObject* types, std::vector<Parameter>* signature) {
  PyObject* items = PySequence_Fast(types, "a signature is a list of types");
  if (items == nullptr) return false;
  bool read = true;
  for (Py_ssize_t i = 0; read && i < PySequence_Fast_GET_SIZE(items); ++i) {
    PyObject* item = PySequence_Fast_GET_ITEM(items, i);
    Parameter& parameter = signature->emplace_back();
    if (!PyUnicode_Check(item)) {
      parameter.kind = Kind::kTuple;
      read = ReadSignature(item, &parameter.items);
      continue;
    }
    const char* text = PyUnicode_AsUTF8(item);
    read = text != nullptr && KindOf(text, &parameter.kind);
    if (!read && text != nullptr) {
      PyErr_Format(PyExc_TypeError, "a kernel's argument of type %s cannot be passed on this lane: pass tensors, integers and "
                   "floats", text);
    }
  }
  Py_DECREF(items);
  return read;
}

PyObject* NewLauncher(PyTypeObject* type, PyObject* args, PyObject*) {
  const char* name = nullptr;
  PyObject* types = nullptr;
  unsigned threads = 0, shared = 0;
  if (!PyArg_ParseTuple(args, "sOII", &name, &types, &threads, &shared)) return nullptr;
  std::vector<Parameter> signature;
  if (!ReadSignature(types, &signature)) return nullptr;
  PyObject* made = type->tp_alloc(type, 0);
  if (made == nullptr) return nullptr;
  auto* object = reinterpret_cast<LauncherObject*>(made);
  object->call = CallLauncher;
  object->launcher = new Launcher{name, std::move(signature), threads, shared};
  return made;
}

void FreeLauncher(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  delete reinterpret_cast<LauncherObject*>(self)->launcher;
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* LoadTriton(PyObject*, PyObject* args) {
  const char* name = nullptr;
  const char* code = nullptr;
  Py_ssize_t size = 0;
  int shared = 0;
  if (!PyArg_ParseTuple(args, "sy#i", &name, &code, &size, &shared)) return nullptr;
  const Driver* driver = LoadedDriver();
  if (driver == nullptr) {
    PyErr_SetString(PyExc_RuntimeError, "this process is attached to no device");
    return nullptr;
  }
  cuda::Module module = nullptr;
  cuda::Function function = nullptr;
  int registers = 0, local_bytes = 0, threads = 0;
  if (!CheckCuda(driver->cuModuleLoadData(&module, code), "cuModuleLoadData") ||
      !CheckCuda(driver->cuModuleGetFunction(&function, module, name), "cuModuleGetFunction") ||
      !CheckCuda(driver->cuFuncGetAttribute(&registers, kRegisters, function), "cuFuncGetAttribute") ||
      !CheckCuda(driver->cuFuncGetAttribute(&local_bytes, kLocalBytes, function), "cuFuncGetAttribute") ||
      !CheckCuda(driver->cuFuncGetAttribute(&threads, kMostThreadsOfBlock, function), "cuFuncGetAttribute")) {
    return nullptr;
  }
  if (shared > kSharedForAll &&
      (!CheckCuda(driver->cuFuncSetCacheConfig(function, kPreferShared), "cuFuncSetCacheConfig") ||
       !CheckCuda(driver->cuFuncSetAttribute(function, kMostDynamicShared, shared), "cuFuncSetAttribute"))) {
    return nullptr;
  }
  return Py_BuildValue("(KKiii)", reinterpret_cast<unsigned long long>(module),
                       reinterpret_cast<unsigned long long>(function), registers, local_bytes / 4, threads);
}

PyMemberDef kLauncherMembers[] = {{"__vectorcalloffset__", T_PYSSIZET, offsetof(LauncherObject, call), READONLY, nullptr},
                                  {nullptr, 0, 0, 0, nullptr}};
PyType_Slot kLauncherSlots[] = {{Py_tp_new, reinterpret_cast<void*>(NewLauncher)},
                                {Py_tp_dealloc, reinterpret_cast<void*>(FreeLauncher)},
                                {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                                {Py_tp_members, kLauncherMembers},
                                {0, nullptr}};
PyType_Spec kLauncherSpec = {"_passnet_worker.TritonLauncher", sizeof(LauncherObject), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL, kLauncherSlots};
PyMethodDef kTritonFunctions[] = {{"triton_load", LoadTriton, METH_VARARGS, "A compiled kernel, loaded."},
                                  {nullptr, nullptr, 0, nullptr}};

}  // namespace

int AddTritonLaunch(PyObject* module) {
  PyObject* type = PyType_FromSpec(&kLauncherSpec);
  if (type == nullptr || PyModule_AddFunctions(module, kTritonFunctions) != 0) return -1;
  return PyModule_AddObject(module, "TritonLauncher", type);
}

}  // namespace passnet::worker
