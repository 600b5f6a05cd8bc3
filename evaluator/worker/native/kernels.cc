#include "evaluator/worker/native/kernels.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <torch/csrc/autograd/python_variable.h>

#include "evaluator/worker/native/device_memory.h"
#include "evaluator/worker/native/observer.h"
#include "evaluator/worker/passnet_kernel.h"

namespace passnet::worker {
namespace {

constexpr Py_ssize_t kMaxTensors = 32;  // chosen: PassBench subgraphs have at most a dozen inputs
constexpr Py_ssize_t kMaxScalars = 64;

struct KernelObject {
  PyObject_HEAD
  void* handle;
  PyObject* name;  // of its file, without suffix
};

struct FunctionObject {
  PyObject_HEAD
  PnKernel function;
  PyObject* kernel;  // the name of its file
  PyObject* name;
};

PyObject* g_function_type = nullptr;

bool ToDataType(at::ScalarType type, DLDataType* out) {
  switch (type) {
    case at::kFloat: *out = {kDLFloat, 32, 1}; return true;
    case at::kDouble: *out = {kDLFloat, 64, 1}; return true;
    case at::kHalf: *out = {kDLFloat, 16, 1}; return true;
    case at::kBFloat16: *out = {kDLBfloat, 16, 1}; return true;
    case at::kByte: *out = {kDLUInt, 8, 1}; return true;
    case at::kChar: *out = {kDLInt, 8, 1}; return true;
    case at::kShort: *out = {kDLInt, 16, 1}; return true;
    case at::kInt: *out = {kDLInt, 32, 1}; return true;
    case at::kLong: *out = {kDLInt, 64, 1}; return true;
    case at::kBool: *out = {kDLBool, 8, 1}; return true;
    default: return false;
  }
}

DLDevice OfLane() {
  const int cuda = device_memory::CudaIndex();
  return cuda < 0 ? DLDevice{kDLCPU, 0} : DLDevice{kDLCUDA, cuda};
}

// Fills `views` from a tuple or list of tensors; -1 with a Python error set. The tensors stay owned by the sequence.
Py_ssize_t FillTensors(PyObject* sequence, const char* what, DLTensor* views) {
  if (!PyTuple_Check(sequence) && !PyList_Check(sequence)) {
    PyErr_Format(PyExc_TypeError, "%s must be a tuple or list of tensors", what);
    return -1;
  }
  Py_ssize_t count = PySequence_Fast_GET_SIZE(sequence);
  if (count > kMaxTensors) {
    PyErr_Format(PyExc_ValueError, "more than %zd %s", kMaxTensors, what);
    return -1;
  }
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* item = PySequence_Fast_GET_ITEM(sequence, i);
    if (!THPVariable_Check(item)) {
      PyErr_Format(PyExc_TypeError, "%s[%zd] is not a tensor but %s", what, i, Py_TYPE(item)->tp_name);
      return -1;
    }
    const at::Tensor& tensor = THPVariable_Unpack(item);
    DLTensor& view = views[i];
    if (tensor.layout() != at::kStrided || !device_memory::OnLane(tensor) ||
        !ToDataType(tensor.scalar_type(), &view.dtype)) {
      PyErr_Format(PyExc_TypeError, "%s[%zd]: a strided tensor of a basic dtype on the lane's device (%s) is expected", what,
                   i, device_memory::CudaIndex() < 0 ? "the CPU" : "CUDA");
      return -1;
    }
    view.data = tensor.data_ptr();
    view.device = OfLane();
    view.ndim = static_cast<int32_t>(tensor.dim());
    view.shape = const_cast<int64_t*>(tensor.sizes().data());
    view.strides = const_cast<int64_t*>(tensor.strides().data());
    view.byte_offset = 0;
  }
  return count;
}

Py_ssize_t FillScalars(PyObject* sequence, PnScalar* scalars) {
  if (sequence == nullptr) return 0;
  if (!PyTuple_Check(sequence) && !PyList_Check(sequence)) {
    PyErr_SetString(PyExc_TypeError, "scalars must be a tuple or list of int or float");
    return -1;
  }
  Py_ssize_t count = PySequence_Fast_GET_SIZE(sequence);
  if (count > kMaxScalars) {
    PyErr_SetString(PyExc_ValueError, "too many scalars");
    return -1;
  }
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* item = PySequence_Fast_GET_ITEM(sequence, i);
    scalars[i] = PnScalar{};
    if (PyFloat_Check(item)) {
      scalars[i].is_float = 1;
      scalars[i].f = PyFloat_AS_DOUBLE(item);
      scalars[i].i = static_cast<int64_t>(scalars[i].f);
    } else {
      scalars[i].i = PyLong_AsLongLong(item);
      if (scalars[i].i == -1 && PyErr_Occurred() != nullptr) return -1;
      scalars[i].f = static_cast<double>(scalars[i].i);
    }
  }
  return count;
}

// function(inputs, outputs, scalars=())
PyObject* CallFunction(PyObject* self, PyObject* args, PyObject*) {
  auto* object = reinterpret_cast<FunctionObject*>(self);
  PyObject *inputs = nullptr, *outputs = nullptr, *scalars = nullptr;
  if (!PyArg_UnpackTuple(args, "kernel", 2, 3, &inputs, &outputs, &scalars)) return nullptr;
  DLTensor in[kMaxTensors], out[kMaxTensors];
  PnScalar values[kMaxScalars];
  Py_ssize_t num_inputs = FillTensors(inputs, "inputs", in);
  Py_ssize_t num_outputs = num_inputs < 0 ? -1 : FillTensors(outputs, "outputs", out);
  Py_ssize_t num_scalars = num_outputs < 0 ? -1 : FillScalars(scalars, values);
  if (num_scalars < 0) return nullptr;
  if (observer::On()) {
    const recorder::KernelLaunch launch{object->kernel, object->name, inputs, outputs, values, static_cast<int32_t>(num_scalars)};
    if (observer::Launch(launch, out, static_cast<int32_t>(num_outputs))) Py_RETURN_NONE;
  }
  char message[512] = "";
  PnCall call{};
  call.abi_version = PASSNET_KERNEL_ABI;
  call.num_threads = at::get_num_threads();
  call.num_inputs = static_cast<int32_t>(num_inputs);
  call.num_outputs = static_cast<int32_t>(num_outputs);
  call.num_scalars = static_cast<int32_t>(num_scalars);
  call.inputs = in;
  call.outputs = out;
  call.scalars = values;
  if (!device_memory::CurrentStream(&call.stream)) return nullptr;
  call.error = message;
  call.error_size = sizeof message;
  int status = object->function(&call);
  if (status != 0) {
    message[sizeof message - 1] = '\0';
    PyErr_Format(PyExc_RuntimeError, "kernel %U returned %d: %s", object->name, status,
                 message[0] != '\0' ? message : "no message");
    return nullptr;
  }
  Py_RETURN_NONE;
}

void FreeFunction(PyObject* self) {
  Py_XDECREF(reinterpret_cast<FunctionObject*>(self)->kernel);
  Py_XDECREF(reinterpret_cast<FunctionObject*>(self)->name);
  Py_TYPE(self)->tp_free(self);
}

// kernel.<name>: the exported function of that name.
PyObject* GetFunction(PyObject* self, PyObject* name) {
  const char* symbol = PyUnicode_AsUTF8(name);
  if (symbol == nullptr) return nullptr;
  if (symbol[0] == '_') return PyObject_GenericGetAttr(self, name);
  void* address = ::dlsym(reinterpret_cast<KernelObject*>(self)->handle, symbol);
  if (address == nullptr) {
    PyErr_Format(PyExc_AttributeError, "the kernel exports no function '%s' (declare it extern \"C\")", symbol);
    return nullptr;
  }
  auto* type = reinterpret_cast<PyTypeObject*>(g_function_type);
  PyObject* function = type->tp_alloc(type, 0);
  if (function == nullptr) return nullptr;
  auto* object = reinterpret_cast<FunctionObject*>(function);
  object->function = reinterpret_cast<PnKernel>(address);
  object->kernel = reinterpret_cast<KernelObject*>(self)->name;
  Py_INCREF(object->kernel);
  Py_INCREF(name);
  object->name = name;
  return function;
}

PyObject* g_kernel_type = nullptr;

void FreeKernel(PyObject* self) {
  Py_XDECREF(reinterpret_cast<KernelObject*>(self)->name);
  Py_TYPE(self)->tp_free(self);
}

// load_kernel(path, name)
PyObject* LoadKernel(PyObject*, PyObject* args) {
  const char* path = nullptr;
  PyObject* name = nullptr;
  if (!PyArg_ParseTuple(args, "sU", &path, &name)) return nullptr;
  void* handle = ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    PyErr_Format(PyExc_OSError, "cannot load the kernel: %s", ::dlerror());
    return nullptr;
  }
  auto* type = reinterpret_cast<PyTypeObject*>(g_kernel_type);
  PyObject* kernel = type->tp_alloc(type, 0);
  if (kernel == nullptr) return nullptr;
  Py_INCREF(name);
  reinterpret_cast<KernelObject*>(kernel)->handle = handle;
  reinterpret_cast<KernelObject*>(kernel)->name = name;
  return kernel;
}

PyType_Slot kFunctionSlots[] = {{Py_tp_call, reinterpret_cast<void*>(CallFunction)},
                                {Py_tp_dealloc, reinterpret_cast<void*>(FreeFunction)},
                                {0, nullptr}};
PyType_Spec kFunctionSpec = {"_passnet_worker.Function", sizeof(FunctionObject), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, kFunctionSlots};
PyType_Slot kKernelSlots[] = {{Py_tp_getattro, reinterpret_cast<void*>(GetFunction)},
                              {Py_tp_dealloc, reinterpret_cast<void*>(FreeKernel)},
                              {0, nullptr}};
PyType_Spec kKernelSpec = {"_passnet_worker.Kernel", sizeof(KernelObject), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, kKernelSlots};
PyMethodDef kLoad = {"load_kernel", LoadKernel, METH_VARARGS, "dlopen a compiled kernel."};

}  // namespace

int AddKernels(PyObject* module) {
  g_function_type = PyType_FromSpec(&kFunctionSpec);
  g_kernel_type = PyType_FromSpec(&kKernelSpec);
  if (g_function_type == nullptr || g_kernel_type == nullptr) return -1;
  PyObject* load = PyCFunction_New(&kLoad, nullptr);
  if (load == nullptr) return -1;
  return PyModule_AddObject(module, "load_kernel", load);
}

}  // namespace passnet::worker
