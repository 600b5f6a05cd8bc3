#include "evaluator/worker/native/runner.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <torch/csrc/autograd/python_variable.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "evaluator/worker/native/device_memory.h"
#include "evaluator/worker/native/observer.h"
#include "evaluator/worker/native/seat.h"
#include "evaluator/worker/run_protocol.h"

namespace passnet::worker {
namespace {

struct RunnerState {
  int fd = -1;
  Seat seat;
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

void DropResults(RunnerState& state) {
  for (PyObject* result : state.results) Py_DECREF(result);
  state.results.clear();
}

// The end of what is too long: there stands the error itself.
std::string Tail(std::string text) {
  if (text.size() > PN_MAX_ERROR_BYTES) text.erase(0, text.size() - PN_MAX_ERROR_BYTES);
  return text;
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
  return Tail(std::move(text));
}

void SeedGenerator(at::Generator generator) {
  std::lock_guard<std::mutex> lock(generator.mutex());
  generator.set_current_seed(1024);
}

// As torch.manual_seed does.
void SeedGenerators() {
  SeedGenerator(at::detail::getDefaultCPUGenerator());
  const int cuda = device_memory::CudaIndex();
  if (cuda < 0) return;
  SeedGenerator(at::globalContext().defaultGenerator(at::Device(at::kCUDA, static_cast<at::DeviceIndex>(cuda))));
}

// One call of the installed function on a slot; false with a Python error set.
bool CallSlot(RunnerState& state, size_t slot) {
  PyObject* args = state.seat.inputs(slot);
  if (state.seed_each_call) SeedGenerators();
  auto* items = reinterpret_cast<PyTupleObject*>(args)->ob_item;
  size_t positional = state.kwnames == nullptr ? static_cast<size_t>(PyTuple_GET_SIZE(args)) : 0;
  PyObject* result = PyObject_Vectorcall(state.call, items, positional, state.kwnames);
  if (result == nullptr) return false;
  state.results.push_back(result);
  state.seat.DescribeOutputs(slot, result);
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
    if (slot >= state.seat.slots()) {
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
    if (const std::string broken = device_memory::DeviceError(); !broken.empty()) {
      error = Tail(error + (error.empty() || error.back() == '\n' ? "" : "\n") + broken);
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
  DropResults(state);
  if (!state.seat.Attach(args)) return nullptr;
  state.results.reserve(state.seat.slots());
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
  if (slot >= state.seat.slots() || state.call == nullptr) {
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
  if (slot >= state.seat.slots()) {
    PyErr_SetString(PyExc_IndexError, "no such slot");
    return nullptr;
  }
  PyObject* inputs = state.seat.inputs(slot);
  Py_INCREF(inputs);
  return inputs;
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
    Py_XDECREF(state->call);
    Py_XDECREF(state->kwnames);
    Py_XDECREF(state->counter);
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
