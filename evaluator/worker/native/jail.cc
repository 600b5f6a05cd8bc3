#include "evaluator/worker/native/jail.h"

#include "sandbox/apply/apply.h"

namespace passnet::worker {
namespace {

PyObject* RaiseStep(const pn_apply_error& error) {
  PyErr_Format(PyExc_OSError, "[Errno %d] sandbox step %s: %s", error.error_number, error.step, error.what);
  return nullptr;
}

PyObject* SavePidNamespace(PyObject*, PyObject*) {
  pn_apply_error error{};
  int saved = pn_sandbox_save_pid_namespace(&error);
  if (saved < 0) return RaiseStep(error);
  return PyLong_FromLong(saved);
}

PyObject* PrepareFork(PyObject*, PyObject*) {
  pn_apply_error error{};
  if (pn_sandbox_prepare_fork(&error) != 0) return RaiseStep(error);
  Py_RETURN_NONE;
}

PyObject* AfterFork(PyObject*, PyObject* saved) {
  pn_apply_error error{};
  if (pn_sandbox_after_fork_parent(static_cast<int>(PyLong_AsLong(saved)), &error) != 0) return RaiseStep(error);
  Py_RETURN_NONE;
}

// apply(plan) -> None, or (step, what, errno) of the layer that failed: the process must then end.
PyObject* Apply(PyObject*, PyObject* plan) {
  char* bytes = nullptr;
  Py_ssize_t size = 0;
  if (PyBytes_AsStringAndSize(plan, &bytes, &size) != 0) return nullptr;
  pn_apply_error error{};
  if (pn_sandbox_apply(bytes, static_cast<size_t>(size), &error) == 0) Py_RETURN_NONE;
  return Py_BuildValue("(ssi)", error.step, error.what, static_cast<int>(error.error_number));
}

PyMethodDef kFunctions[] = {
    {"save_pid_namespace", SavePidNamespace, METH_NOARGS, "A descriptor of the own pid namespace, for after_fork."},
    {"prepare_fork", PrepareFork, METH_NOARGS, "The next fork lands in a new pid namespace."},
    {"after_fork", AfterFork, METH_O, "In the parent after that fork: back to the saved namespace."},
    {"apply", Apply, METH_O, "Apply a sandbox plan to this process."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

int AddJail(PyObject* module) { return PyModule_AddFunctions(module, kFunctions); }

}  // namespace passnet::worker
