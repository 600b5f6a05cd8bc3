#include "evaluator/worker/native/device_memory.h"

#include <ATen/ATen.h>

#include "evaluator/worker/native/arena.h"
#include "evaluator/worker/native/driver.h"

namespace passnet::worker::device_memory {
namespace {

bool g_attached = false;
int g_cuda_index = -1;
cuda::DeviceNumber g_device = 0;
cuda::Context g_context = nullptr;
Lent g_inputs, g_arena;
PyObject* g_stream_of = nullptr;  // torch's own function, which gives the current stream of a device as a number

// The device's number among the driver's; -1 with a Python error set.
int FindDevice(const Driver& driver, const std::string& wanted, cuda::DeviceNumber* device) {
  int count = 0;
  if (!CheckCuda(driver.cuDeviceGetCount(&count), "cuDeviceGetCount")) return -1;
  for (int ordinal = 0; ordinal < count; ++ordinal) {
    cuda::Uuid found{};
    if (!CheckCuda(driver.cuDeviceGet(device, ordinal), "cuDeviceGet")) return -1;
    if (!CheckCuda(driver.cuDeviceGetUuid_v2(&found, *device), "cuDeviceGetUuid")) return -1;
    if (UuidText(found) == wanted) return ordinal;
  }
  PyErr_Format(PyExc_RuntimeError, "no %s is among the %d devices that this process sees", wanted.c_str(), count);
  return -1;
}

struct Handed {
  int descriptor = -1;
  Py_ssize_t bytes = 0;
  unsigned long long told_at = 0;
};

bool Map(const Driver& driver, cuda::DeviceNumber device, const Handed& handed, Lent* lent) {
  const auto bytes = static_cast<size_t>(handed.bytes);
  void* as_pointer = reinterpret_cast<void*>(static_cast<intptr_t>(handed.descriptor));  // so says the documentation
  cuda::Handle handle = 0;
  cuda::Pointer at = 0;
  if (!CheckCuda(driver.cuMemImportFromShareableHandle(&handle, as_pointer, cuda::kPosixDescriptor),
                 "cuMemImportFromShareableHandle")) {
    return false;
  }
  if (!CheckCuda(driver.cuMemAddressReserve(&at, bytes, 0, 0, 0), "cuMemAddressReserve")) return false;
  if (!CheckCuda(driver.cuMemMap(at, bytes, 0, handle, 0), "cuMemMap")) return false;
  const cuda::AccessDescription access{{cuda::kOnDevice, device}, cuda::kReadWrite};
  if (!CheckCuda(driver.cuMemSetAccess(at, bytes, &access, 1), "cuMemSetAccess")) return false;
  *lent = {reinterpret_cast<char*>(at), bytes, handed.told_at};
  return true;
}

bool FindStreamFunction() {
  PyObject* module = PyImport_ImportModule("torch._C");
  if (module != nullptr) g_stream_of = PyObject_GetAttrString(module, "_cuda_getCurrentRawStream");
  Py_XDECREF(module);
  return g_stream_of != nullptr;
}

PyObject* AttachDevice(PyObject*, PyObject* args) {
  const char* library = nullptr;
  const char* uuid = nullptr;
  int on_cuda = 0;
  Handed inputs, arena;
  if (!PyArg_ParseTuple(args, "ssp(inK)(inK)", &library, &uuid, &on_cuda, &inputs.descriptor, &inputs.bytes,
                        &inputs.told_at, &arena.descriptor, &arena.bytes, &arena.told_at)) {
    return nullptr;
  }
  if (g_attached) {
    PyErr_SetString(PyExc_RuntimeError, "this process is attached to its device already");
    return nullptr;
  }
  const Driver* driver = LoadDriver(library);
  if (driver == nullptr) return nullptr;
  cuda::DeviceNumber device = 0;
  cuda::Context context = nullptr;
  const int ordinal = FindDevice(*driver, uuid, &device);
  if (ordinal < 0) return nullptr;
  // Torch's own: the runtime that it is built on works in the primary context.
  if (!CheckCuda(driver->cuDevicePrimaryCtxRetain(&context, device), "cuDevicePrimaryCtxRetain") ||
      !CheckCuda(driver->cuCtxSetCurrent(context), "cuCtxSetCurrent") || !Map(*driver, device, inputs, &g_inputs) ||
      !Map(*driver, device, arena, &g_arena) || (on_cuda != 0 && !FindStreamFunction())) {
    return nullptr;
  }
  g_attached = true;
  g_device = device;
  g_context = context;
  g_cuda_index = on_cuda != 0 ? ordinal : -1;
  arena::Lend(g_arena.at, g_arena.bytes);
  if (on_cuda == 0) arena::ServeCpu();
  return PyLong_FromLong(ordinal);
}

PyObject* TellDeviceError(PyObject*, PyObject*) {
  const std::string text = DeviceError();
  return PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace");
}

PyObject* TellAttribute(PyObject*, PyObject* number) {
  const long attribute = PyLong_AsLong(number);
  int value = 0;
  if (PyErr_Occurred() != nullptr) return nullptr;
  if (!g_attached) {
    PyErr_SetString(PyExc_RuntimeError, "this process is attached to no device");
    return nullptr;
  }
  const Driver& driver = *LoadedDriver();
  if (!CheckCuda(driver.cuDeviceGetAttribute(&value, static_cast<int>(attribute), g_device), "cuDeviceGetAttribute")) {
    return nullptr;
  }
  return PyLong_FromLong(value);
}

PyObject* IsLent(PyObject*, PyObject* address) {
  const void* at = PyLong_AsVoidPtr(address);
  if (PyErr_Occurred() != nullptr) return nullptr;
  return PyBool_FromLong(Told(at) != reinterpret_cast<uint64_t>(at));
}

PyMethodDef kDeviceFunctions[] = {
    {"attach_device", AttachDevice, METH_VARARGS, "Open the lane's device and map what the evaluator lends there."},
    {"device_attribute", TellAttribute, METH_O, "A CUdevice_attribute of the lane's device."},
    {"is_lent", IsLent, METH_O, "Whether an address lies in what the evaluator lends."},
    {"device_error", TellDeviceError, METH_NOARGS, "Wait for the device; what went wrong there, or an empty text."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

int AddDeviceMemory(PyObject* module) { return PyModule_AddFunctions(module, kDeviceFunctions); }

const Lent& Inputs() { return g_inputs; }

int CudaIndex() { return g_cuda_index; }

bool OnLane(const at::Tensor& tensor) {
  const at::Device device = tensor.device();
  return g_cuda_index < 0 ? device.is_cpu() : device.is_cuda() && device.index() == g_cuda_index;
}

uint64_t Told(const void* address) {
  const auto* at = static_cast<const char*>(address);
  for (const Lent* lent : {&g_inputs, &g_arena}) {
    if (lent->at != nullptr && at >= lent->at && at < lent->at + lent->bytes) {
      return lent->told_at + static_cast<uint64_t>(at - lent->at);
    }
  }
  return reinterpret_cast<uint64_t>(address);
}

bool CurrentStream(void** stream) {
  *stream = nullptr;
  if (g_cuda_index < 0) return true;
  PyObject* index = PyLong_FromLong(g_cuda_index);
  PyObject* number = index != nullptr ? PyObject_CallOneArg(g_stream_of, index) : nullptr;
  if (number != nullptr) *stream = PyLong_AsVoidPtr(number);
  Py_XDECREF(index);
  Py_XDECREF(number);
  return PyErr_Occurred() == nullptr;
}

std::string DeviceError() {
  if (!g_attached) return "";
  // A library of the candidate's may have left another context with this thread.
  cuda::Code code = LoadedDriver()->cuCtxSetCurrent(g_context);
  if (code == cuda::kSuccess) code = LoadedDriver()->cuCtxSynchronize();
  return code == cuda::kSuccess ? "" : "device error: " + CudaErrorText(code);
}

}  // namespace passnet::worker::device_memory
