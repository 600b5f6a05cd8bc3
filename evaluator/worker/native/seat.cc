#include "evaluator/worker/native/seat.h"

#include <ATen/ATen.h>
#include <sys/mman.h>
#include <torch/csrc/autograd/python_variable.h>

#include <cstdint>

#include "evaluator/worker/native/device_memory.h"
#include "evaluator/worker/native/heap.h"
#include "evaluator/worker/run_protocol.h"

namespace passnet::worker {
namespace {

void Describe(PyObject* object, PnOutputHeader* header) {
  *header = PnOutputHeader{};
  if (!THPVariable_Check(object)) {
    header->kind = PN_OUTPUT_OTHER;
    return;
  }
  const at::Tensor& tensor = THPVariable_Unpack(object);
  if (!THPVariable_CheckExact(object) || tensor.layout() != at::kStrided || !device_memory::OnLane(tensor) ||
      tensor.is_conj() || tensor.is_neg() || tensor.dim() > PN_MAX_DIMS) {
    header->kind = PN_OUTPUT_ODD;
    return;
  }
  header->kind = PN_OUTPUT_TENSOR;
  header->scalar_type = static_cast<int32_t>(tensor.scalar_type());
  header->ndim = static_cast<int32_t>(tensor.dim());
  header->data = device_memory::Told(tensor.const_data_ptr());
  for (int64_t d = 0; d < tensor.dim(); ++d) {
    header->shape[d] = tensor.size(d);
    header->strides[d] = tensor.stride(d);
  }
}

at::Device LaneDevice() {
  const int index = device_memory::CudaIndex();
  return index < 0 ? at::Device(at::kCPU) : at::Device(at::kCUDA, static_cast<at::DeviceIndex>(index));
}

}  // namespace

bool Mapping::Map(int fd, size_t bytes) {
  Unmap();
  if (bytes == 0) return true;
  // Populated: page faults belong to no call.
  void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
  if (at == MAP_FAILED) {
    PyErr_SetFromErrno(PyExc_OSError);
    return false;
  }
  data_ = static_cast<char*>(at);
  size_ = bytes;
  return true;
}

void Mapping::Unmap() {
  if (data_ != nullptr) ::munmap(data_, size_);
  data_ = nullptr;
  size_ = 0;
}

void Seat::DropSlots() {
  for (PyObject* args : slot_args_) Py_DECREF(args);
  slot_args_.clear();
}

bool Seat::MapInputs(int fd, size_t bytes, char** at) {
  constexpr int kOfTheDevice = -1;
  if (fd != kOfTheDevice) {
    const bool mapped = in_.Map(fd, bytes);
    *at = in_.data();
    return mapped;
  }
  const device_memory::Lent& lent = device_memory::Inputs();
  if (lent.bytes < bytes) {
    PyErr_Format(PyExc_RuntimeError, "the device's inputs have %zu bytes and the layout %zu", lent.bytes, bytes);
    return false;
  }
  *at = lent.at;
  return true;
}

bool Seat::AddSlot(char* at, PyObject* inputs) {
  PyObject* tuple = PyTuple_New(PyList_GET_SIZE(inputs));
  if (tuple == nullptr) return false;
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(inputs); ++i) {
    int scalar_type = 0;
    PyObject* shape = nullptr;
    Py_ssize_t offset = 0;
    if (!PyArg_ParseTuple(PyList_GET_ITEM(inputs, i), "iO!n", &scalar_type, &PyTuple_Type, &shape, &offset)) {
      Py_DECREF(tuple);
      return false;
    }
    std::vector<int64_t> sizes;
    for (Py_ssize_t d = 0; d < PyTuple_GET_SIZE(shape); ++d) {
      sizes.push_back(PyLong_AsLongLong(PyTuple_GET_ITEM(shape, d)));
    }
    const at::Device device = LaneDevice();
    at::Tensor tensor = at::for_blob(at + offset, sizes)
                            .options(at::TensorOptions().dtype(static_cast<at::ScalarType>(scalar_type)).device(device))
                            .target_device(device)
                            .make_tensor();
    PyTuple_SET_ITEM(tuple, i, THPVariable_Wrap(std::move(tensor)));
  }
  slot_args_.push_back(tuple);
  return true;
}

bool Seat::Attach(PyObject* args) {
  int in_fd = -1, out_fd = -1;
  Py_ssize_t in_size = 0, out_size = 0, slots = 0, in_stride = 0, out_stride = 0, outputs = 0, heap = 0;
  PyObject* inputs = nullptr;
  if (!PyArg_ParseTuple(args, "ininnnnO!nn", &in_fd, &in_size, &out_fd, &out_size, &slots, &in_stride, &out_stride,
                        &PyList_Type, &inputs, &outputs, &heap)) {
    return false;
  }
  DropSlots();
  if (!MoveHeap() || !TouchHeap(static_cast<size_t>(heap))) return false;
  char* first = nullptr;
  if (!MapInputs(in_fd, static_cast<size_t>(in_size), &first) || !out_.Map(out_fd, static_cast<size_t>(out_size))) {
    return false;
  }
  out_stride_ = static_cast<size_t>(out_stride);
  out_places_ = static_cast<size_t>(outputs);
  for (Py_ssize_t slot = 0; slot < slots; ++slot) {
    if (!AddSlot(first + slot * in_stride, inputs)) return false;
  }
  return true;
}

void Seat::DescribeOutputs(size_t slot, PyObject* result) const {
  if (out_.data() == nullptr) return;
  char* base = out_.data() + slot * out_stride_;
  auto* header = reinterpret_cast<PnSlotHeader*>(base);
  auto* outputs = reinterpret_cast<PnOutputHeader*>(base + sizeof(PnSlotHeader));
  const bool many = PyTuple_Check(result) || PyList_Check(result);
  const Py_ssize_t count = many ? PySequence_Fast_GET_SIZE(result) : 1;
  header->outputs = static_cast<uint32_t>(count);
  for (Py_ssize_t i = 0; i < count && i < static_cast<Py_ssize_t>(out_places_); ++i) {
    Describe(many ? PySequence_Fast_GET_ITEM(result, i) : result, &outputs[i]);
  }
}

}  // namespace passnet::worker
