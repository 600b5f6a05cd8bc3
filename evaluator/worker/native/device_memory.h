// What a process of a CUDA lane shares with the evaluator on the device: the inputs, which the evaluator fills, and the arena
// (arena.h), which it copies outputs out of. On a CPU lane nothing of this is there, and torch's memory is the host's.
// Threads: one attaches, before any other thread looks. Owns: the context and the mappings, for the process's life.
// Errors: a Python error is set. Source: docs/worker_protocol.md, "Regions".
#pragma once

#include <Python.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace at {
class Tensor;
}

namespace passnet::worker::device_memory {

// Adds attach_device(driver, uuid, on_cuda, inputs, arena) to the module, the last two of (descriptor, bytes, told_at): the
// device's number among the driver's. And device_attribute(number), is_lent(address), device_error(). 0 on success, -1 with a Python error set.
int AddDeviceMemory(PyObject* module);

struct Lent {
  char* at = nullptr;
  size_t bytes = 0;
  uint64_t told_at = 0;  // what headers call its beginning
};
const Lent& Inputs();

// The device's number where torch's tensors lie on it; -1 where they lie in the host's memory.
int CudaIndex();
// Whether it is memory of the device that the process's tensors belong on.
bool OnLane(const at::Tensor& tensor);
// What a header says of the place.
uint64_t Told(const void* address);
// The stream that torch works on: null on the host.
bool CurrentStream(void** stream);
// Waits until the context has done all that was asked of it. What went wrong there, or "".
std::string DeviceError();

}  // namespace passnet::worker::device_memory
