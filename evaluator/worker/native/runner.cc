#include "evaluator/worker/native/runner.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <torch/csrc/autograd/python_variable.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "evaluator/worker/native/observer.h"
#include "evaluator/worker/run_protocol.h"

namespace passnet::worker {
namespace {

struct Mapping {
  char* data = nullptr;
  size_t size = 0;

  void Unmap() {
    if (data != nullptr) ::munmap(data, size);
    data = nullptr;
    size = 0;
  }
  bool Map(int fd, size_t bytes) {
    Unmap();
    if (bytes == 0) return true;
    // Populated: page faults belong to no call.
    void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (at == MAP_FAILED) {
      PyErr_SetFromErrno(PyExc_OSError);
      return false;
    }
    data = static_cast<char*>(at);
    size = bytes;
    return true;
  }
};

struct RunnerState {
  int fd = -1;
  Mapping in, out;
  size_t out_stride = 0;
  size_t out_places = 0;               // output headers a slot has room for
  std::vector<PyObject*> slot_args;  // one tuple of input tensors a slot
  PyObject* call = nullptr;
  PyObject* kwnames = nullptr;  // tuple of names: inputs are passed by keyword; null: positionally
  std::vector<PyObject*> results;  // of the last run command, one a call: the evaluator reads them from outside
  PyObject* counter = nullptr;  // object with an int attribute `calls`, or null
  bool seed_each_call = false;
};

struct RunnerObject {
  PyObject_HEAD
  RunnerState* state;
};

// Where a process's heap lies against its inputs and its code decides by some per cent how fast it is, and forks of one
// parent have it all at the same addresses: a whole evaluation would share one such accident. So every process begins its
// own at a random place, for as long as it lives.
bool MoveHeap() {
  constexpr size_t kBeyondFreeChunks = 1u << 20, kLine = 64, kPlaces = 1024;
  uint64_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != sizeof random) {
    PyErr_SetFromErrno(PyExc_OSError);
    return false;
  }
  static void* pad = nullptr;
  if (pad == nullptr) pad = std::malloc(kBeyondFreeChunks + kLine * (random % kPlaces));
  if (pad == nullptr) PyErr_NoMemory();
  return pad != nullptr;
}

// Pages that the heap has had once stay with it (GLIBC_TUNABLES). How far a block's results reach into new ones depends on
// what was free before, which forks of one parent share: the same blocks of every process would pay for page faults.
// In huge pages where the system has any to give: how the small ones happen to lie decides what a process's cache misses
// cost, all its life. (glibc's own tunable for them asks /sys, which no jail has.)
bool TouchHeap(size_t bytes) {
  constexpr size_t kPage = 4096, kHugePage = size_t{2} << 20;
  auto* memory = static_cast<volatile char*>(std::malloc(bytes));
  if (memory == nullptr && bytes > 0) PyErr_NoMemory();
  const uintptr_t begin = reinterpret_cast<uintptr_t>(memory), end = begin + bytes;
  const uintptr_t first = (begin + kHugePage - 1) & ~(kHugePage - 1), last = end & ~(kHugePage - 1);
  if (memory != nullptr && first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
  for (size_t at = 0; memory != nullptr && at < bytes; at += kPage) memory[at] = 0;
  std::free(const_cast<char*>(memory));
  return memory != nullptr || bytes == 0;
}

void DropSlots(RunnerState& state) {
  for (PyObject* args : state.slot_args) Py_DECREF(args);
  state.slot_args.clear();
}

void DropResults(RunnerState& state) {
  for (PyObject* result : state.results) Py_DECREF(result);
  state.results.clear();
}

// The text of the current Python exception with its traceback, and clears it.
std::string TakePythonError() {
  PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  std::string text = "unknown exception";
  PyObject* module = PyImport_ImportModule("traceback");
  if (module != nullptr && type != nullptr) {
    PyObject* lines = PyObject_CallMethod(module, "format_exception", "OOO", type, value ? value : Py_None,
                                          trace ? trace : Py_None);
    PyObject* empty = PyUnicode_FromString("");
    PyObject* joined = lines != nullptr ? PyUnicode_Join(empty, lines) : nullptr;
    const char* utf8 = joined != nullptr ? PyUnicode_AsUTF8(joined) : nullptr;
    if (utf8 != nullptr) text = utf8;
    Py_XDECREF(joined);
    Py_XDECREF(empty);
    Py_XDECREF(lines);
  }
  PyErr_Clear();
  Py_XDECREF(module);
  Py_XDECREF(type);
  Py_XDECREF(value);
  Py_XDECREF(trace);
  if (text.size() > PN_MAX_ERROR_BYTES) text = text.substr(text.size() - PN_MAX_ERROR_BYTES);
  return text;
}

void Describe(PyObject* object, PnOutputHeader* header) {
  *header = PnOutputHeader{};
  if (!THPVariable_Check(object)) {
    header->kind = PN_OUTPUT_OTHER;
    return;
  }
  const at::Tensor& tensor = THPVariable_Unpack(object);
  if (!THPVariable_CheckExact(object) || tensor.layout() != at::kStrided || !tensor.device().is_cpu() ||
      tensor.is_conj() || tensor.is_neg() || tensor.dim() > PN_MAX_DIMS) {
    header->kind = PN_OUTPUT_ODD;
    return;
  }
  header->kind = PN_OUTPUT_TENSOR;
  header->scalar_type = static_cast<int32_t>(tensor.scalar_type());
  header->ndim = static_cast<int32_t>(tensor.dim());
  header->data = reinterpret_cast<uint64_t>(tensor.const_data_ptr());
  for (int64_t d = 0; d < tensor.dim(); ++d) {
    header->shape[d] = tensor.size(d);
    header->strides[d] = tensor.stride(d);
  }
}

// Tells where the result of one call lies. `result` is a tensor, or a tuple or list of outputs.
void DescribeOutputs(const RunnerState& state, size_t slot, PyObject* result) {
  if (state.out.data == nullptr) return;
  char* base = state.out.data + slot * state.out_stride;
  auto* header = reinterpret_cast<PnSlotHeader*>(base);
  auto* outputs = reinterpret_cast<PnOutputHeader*>(base + sizeof(PnSlotHeader));
  bool many = PyTuple_Check(result) || PyList_Check(result);
  Py_ssize_t count = many ? PySequence_Fast_GET_SIZE(result) : 1;
  header->outputs = static_cast<uint32_t>(count);
  for (Py_ssize_t i = 0; i < count && i < static_cast<Py_ssize_t>(state.out_places); ++i) {
    Describe(many ? PySequence_Fast_GET_ITEM(result, i) : result, &outputs[i]);
  }
}

// One call of the installed function on a slot; false with a Python error set.
bool CallSlot(RunnerState& state, size_t slot) {
  PyObject* args = state.slot_args[slot];
  if (state.seed_each_call) {
    auto generator = at::detail::getDefaultCPUGenerator();
    std::lock_guard<std::mutex> lock(generator.mutex());
    generator.set_current_seed(1024);
  }
  auto* items = reinterpret_cast<PyTupleObject*>(args)->ob_item;
  size_t positional = state.kwnames == nullptr ? static_cast<size_t>(PyTuple_GET_SIZE(args)) : 0;
  PyObject* result = PyObject_Vectorcall(state.call, items, positional, state.kwnames);
  if (result == nullptr) return false;
  state.results.push_back(result);
  DescribeOutputs(state, slot, result);
  return true;
}

bool SeedAsUpstream(uint32_t count) {
  PyObject* torch = PyImport_ImportModule("torch");
  PyObject* seed = torch != nullptr ? PyObject_GetAttrString(torch, "manual_seed") : nullptr;
  PyObject* value = PyLong_FromLong(1024);
  bool ok = seed != nullptr;
  for (uint32_t i = 0; ok && i < count; ++i) {
    PyObject* generator = PyObject_CallOneArg(seed, value);
    ok = generator != nullptr;
    Py_XDECREF(generator);
  }
  Py_XDECREF(value);
  Py_XDECREF(seed);
  Py_XDECREF(torch);
  return ok;
}

bool Perform(RunnerState& state, const PnRunCommand& command, uint32_t* calls) {
  if (command.kind == PN_RUN_SEED) return SeedAsUpstream(command.count);
  if (state.call == nullptr) {
    PyErr_SetString(PyExc_RuntimeError, "no function is installed");
    return false;
  }
  if (command.count > 0) DropResults(state);
  for (uint32_t i = 0; i < command.count; ++i) {
    size_t slot = command.first_slot + static_cast<size_t>(i);
    if (slot >= state.slot_args.size()) {
      PyErr_SetString(PyExc_IndexError, "slot beyond the region");
      return false;
    }
    if (command.observe != PN_OBSERVE_NOTHING) observer::NextGraphCall();
    if (!CallSlot(state, slot)) return false;
    ++*calls;
  }
  return true;
}

bool ReadAll(int fd, void* to, size_t bytes) {
  auto* at = static_cast<char*>(to);
  while (bytes > 0) {
    ssize_t got = ::read(fd, at, bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    bytes -= static_cast<size_t>(got);
  }
  return true;
}

bool WriteAll(int fd, const void* from, size_t bytes) {
  const auto* at = static_cast<const char*>(from);
  while (bytes > 0) {
    ssize_t put = ::write(fd, at, bytes);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    at += put;
    bytes -= static_cast<size_t>(put);
  }
  return true;
}

bool WriteText(int fd, const std::string& text) {
  auto size = static_cast<uint32_t>(text.size());
  return WriteAll(fd, &size, sizeof size) && WriteAll(fd, text.data(), size);
}

uint64_t GraphCalls(const RunnerState& state) {
  if (state.counter == nullptr) return 0;
  PyObject* value = PyObject_GetAttrString(state.counter, "calls");
  uint64_t calls = value != nullptr ? PyLong_AsUnsignedLongLong(value) : 0;
  Py_XDECREF(value);
  PyErr_Clear();
  return calls;
}

// serve() -> bool: True when a JSON frame follows for the caller, False when the evaluator has gone.
PyObject* Serve(PyObject* self, PyObject*) {
  RunnerState& state = *reinterpret_cast<RunnerObject*>(self)->state;
  while (true) {
    PnRunCommand command;
    if (!ReadAll(state.fd, &command, sizeof command) || command.magic != PN_RUN_MAGIC) Py_RETURN_FALSE;
    if (command.kind == PN_RUN_FRAME) Py_RETURN_TRUE;
    if (command.kind == PN_RUN_TELL) {
      if (!WriteText(state.fd, observer::Tell(command.nonce))) Py_RETURN_FALSE;
      continue;
    }
    PnRunReply reply{command.nonce, PN_STATUS_OK, 0, 0};
    std::string error;
    if (command.observe != PN_OBSERVE_NOTHING) observer::Begin(command.observe);
    if (!Perform(state, command, &reply.calls)) {
      error = TakePythonError();
      reply.status = PN_STATUS_EXCEPTION;
    }
    if (command.observe != PN_OBSERVE_NOTHING) observer::End();
    reply.graph_calls = GraphCalls(state);
    if (!WriteAll(state.fd, &reply, sizeof reply)) Py_RETURN_FALSE;
    if (reply.status == PN_STATUS_EXCEPTION && !WriteText(state.fd, error)) Py_RETURN_FALSE;
  }
}

// attach(in_fd, in_size, out_fd, out_size, slots, in_stride, out_stride, inputs, outputs, heap)
//   inputs: list of (scalar_type, shape tuple, offset); outputs: how many headers a slot has room for
PyObject* Attach(PyObject* self, PyObject* args) {
  RunnerState& state = *reinterpret_cast<RunnerObject*>(self)->state;
  int in_fd = -1, out_fd = -1;
  Py_ssize_t in_size = 0, out_size = 0, slots = 0, in_stride = 0, out_stride = 0, outputs = 0, heap = 0;
  PyObject* inputs = nullptr;
  if (!PyArg_ParseTuple(args, "ininnnnO!nn", &in_fd, &in_size, &out_fd, &out_size, &slots, &in_stride, &out_stride,
                        &PyList_Type, &inputs, &outputs, &heap)) {
    return nullptr;
  }
  DropResults(state);
  DropSlots(state);
  if (!MoveHeap() || !TouchHeap(static_cast<size_t>(heap))) return nullptr;
  if (!state.in.Map(in_fd, static_cast<size_t>(in_size)) || !state.out.Map(out_fd, static_cast<size_t>(out_size))) {
    return nullptr;
  }
  state.out_stride = static_cast<size_t>(out_stride);
  state.out_places = static_cast<size_t>(outputs);
  state.results.reserve(static_cast<size_t>(slots));
  for (Py_ssize_t slot = 0; slot < slots; ++slot) {
    PyObject* tuple = PyTuple_New(PyList_GET_SIZE(inputs));
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(inputs); ++i) {
      int scalar_type = 0;
      PyObject* shape = nullptr;
      Py_ssize_t offset = 0;
      if (!PyArg_ParseTuple(PyList_GET_ITEM(inputs, i), "iO!n", &scalar_type, &PyTuple_Type, &shape, &offset)) {
        Py_DECREF(tuple);
        return nullptr;
      }
      std::vector<int64_t> sizes;
      for (Py_ssize_t d = 0; d < PyTuple_GET_SIZE(shape); ++d) {
        sizes.push_back(PyLong_AsLongLong(PyTuple_GET_ITEM(shape, d)));
      }
      at::Tensor tensor = at::from_blob(state.in.data + slot * in_stride + offset, sizes,
                                        at::TensorOptions().dtype(static_cast<at::ScalarType>(scalar_type)));
      PyTuple_SET_ITEM(tuple, i, THPVariable_Wrap(std::move(tensor)));
    }
    state.slot_args.push_back(tuple);
  }
  Py_RETURN_NONE;
}

void Hold(PyObject** place, PyObject* value) {
  Py_INCREF(value);
  Py_XSETREF(*place, value);
}

// set_call(function, kwnames or None, counter or None, seed_each_call)
PyObject* SetCall(PyObject* self, PyObject* args) {
  RunnerState& state = *reinterpret_cast<RunnerObject*>(self)->state;
  PyObject *function = nullptr, *kwnames = nullptr, *counter = nullptr;
  int seed = 0;
  if (!PyArg_ParseTuple(args, "OOOp", &function, &kwnames, &counter, &seed)) return nullptr;
  Hold(&state.call, function);
  Py_CLEAR(state.kwnames);
  if (kwnames != Py_None) Hold(&state.kwnames, kwnames);
  Py_CLEAR(state.counter);
  if (counter != Py_None) Hold(&state.counter, counter);
  state.seed_each_call = seed != 0;
  Py_RETURN_NONE;
}

// call_slot(n): one call of the installed function, for a first look at its outputs; returns the result.
PyObject* CallOnce(PyObject* self, PyObject* arg) {
  RunnerState& state = *reinterpret_cast<RunnerObject*>(self)->state;
  size_t slot = PyLong_AsSize_t(arg);
  if (PyErr_Occurred() != nullptr) return nullptr;
  if (slot >= state.slot_args.size() || state.call == nullptr) {
    PyErr_SetString(PyExc_IndexError, "no such slot, or no function is installed");
    return nullptr;
  }
  DropResults(state);
  if (!CallSlot(state, slot)) return nullptr;
  Py_INCREF(state.results.back());
  return state.results.back();
}

PyObject* SlotInputs(PyObject* self, PyObject* arg) {
  RunnerState& state = *reinterpret_cast<RunnerObject*>(self)->state;
  size_t slot = PyLong_AsSize_t(arg);
  if (PyErr_Occurred() != nullptr) return nullptr;
  if (slot >= state.slot_args.size()) {
    PyErr_SetString(PyExc_IndexError, "no such slot");
    return nullptr;
  }
  Py_INCREF(state.slot_args[slot]);
  return state.slot_args[slot];
}

PyObject* NewRunner(PyTypeObject* type, PyObject* args, PyObject*) {
  int fd = -1;
  if (!PyArg_ParseTuple(args, "i", &fd)) return nullptr;
  PyObject* self = type->tp_alloc(type, 0);
  if (self == nullptr) return nullptr;
  auto* state = new (std::nothrow) RunnerState;
  if (state == nullptr) return PyErr_NoMemory();
  state->fd = fd;
  reinterpret_cast<RunnerObject*>(self)->state = state;
  return self;
}

void FreeRunner(PyObject* self) {
  RunnerState* state = reinterpret_cast<RunnerObject*>(self)->state;
  if (state != nullptr) {
    DropResults(*state);
    DropSlots(*state);
    Py_XDECREF(state->call);
    Py_XDECREF(state->kwnames);
    Py_XDECREF(state->counter);
    state->in.Unmap();
    state->out.Unmap();
    delete state;
  }
  Py_TYPE(self)->tp_free(self);
}

PyMethodDef kMethods[] = {
    {"serve", Serve, METH_NOARGS, "Answer run commands; True when a JSON frame follows, False at the end."},
    {"attach", Attach, METH_VARARGS, "Map both regions and lay the slots over them."},
    {"set_call", SetCall, METH_VARARGS, "Install the function that run commands call."},
    {"call_slot", CallOnce, METH_O, "One call outside the loop; returns its result."},
    {"slot_inputs", SlotInputs, METH_O, "The tuple of input tensors of a slot."},
    {nullptr, nullptr, 0, nullptr}};

PyType_Slot kSlots[] = {{Py_tp_new, reinterpret_cast<void*>(NewRunner)},
                        {Py_tp_dealloc, reinterpret_cast<void*>(FreeRunner)},
                        {Py_tp_methods, kMethods},
                        {0, nullptr}};

PyType_Spec kSpec = {"_passnet_worker.Runner", sizeof(RunnerObject), 0, Py_TPFLAGS_DEFAULT, kSlots};

}  // namespace

int AddRunner(PyObject* module) {
  PyObject* type = PyType_FromSpec(&kSpec);
  if (type == nullptr) return -1;
  return PyModule_AddObject(module, "Runner", type);
}

}  // namespace passnet::worker
