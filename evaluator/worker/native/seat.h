// A process's side of its seat: the inputs of every slot as tensors, and the headers in which it tells where the outputs of a
// call lie. On a CPU lane both are regions that it maps; on a CUDA lane the inputs are memory of the device (device_memory.h).
// Threads: one; holds the GIL. Owns: the mappings and the tensors that view them. Errors: false with a Python error set.
// Source: docs/worker_protocol.md, "Regions".
#pragma once

#include <Python.h>

#include <cstddef>
#include <vector>

namespace passnet::worker {

class Mapping {
 public:
  Mapping() = default;
  ~Mapping() { Unmap(); }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  bool Map(int fd, size_t bytes);
  char* data() const { return data_; }

 private:
  void Unmap();

  char* data_ = nullptr;
  size_t size_ = 0;
};

class Seat {
 public:
  Seat() = default;
  ~Seat() { DropSlots(); }
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;

  // The arguments of Runner.attach(); a descriptor of -1 for the inputs: they are the device's that is attached already.
  bool Attach(PyObject* args);
  size_t slots() const { return slot_args_.size(); }
  PyObject* inputs(size_t slot) const { return slot_args_[slot]; }  // a tuple, borrowed
  // Tells where the result of one call lies. `result` is a tensor, or a tuple or list of outputs.
  void DescribeOutputs(size_t slot, PyObject* result) const;

 private:
  void DropSlots();
  bool MapInputs(int fd, size_t bytes, char** at);
  bool AddSlot(char* at, PyObject* inputs);

  Mapping in_, out_;
  size_t out_stride_ = 0;
  size_t out_places_ = 0;  // output headers a slot has room for
  std::vector<PyObject*> slot_args_;
};

}  // namespace passnet::worker
