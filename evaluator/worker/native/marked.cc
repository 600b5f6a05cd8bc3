#include "evaluator/worker/native/marked.h"

#include <structmember.h>

#include <cstddef>

#include "evaluator/worker/native/observer.h"

namespace passnet::worker {
namespace {

struct MarkedObject {
  PyObject_HEAD
  PyObject* function;
  vectorcallfunc call;
};

PyObject* CallMarked(PyObject* self, PyObject* const* args, size_t count, PyObject* names) {
  PyObject* function = reinterpret_cast<MarkedObject*>(self)->function;
  if (!observer::On()) return PyObject_Vectorcall(function, args, count, names);
  observer::EnterCall(args, static_cast<size_t>(PyVectorcall_NARGS(count)));
  PyObject* result = PyObject_Vectorcall(function, args, count, names);
  observer::LeaveCall(args, static_cast<size_t>(PyVectorcall_NARGS(count)), result);
  return result;
}

PyObject* NewMarked(PyTypeObject* type, PyObject* args, PyObject*) {
  PyObject* function = nullptr;
  if (!PyArg_ParseTuple(args, "O", &function)) return nullptr;
  auto* made = reinterpret_cast<MarkedObject*>(type->tp_alloc(type, 0));
  if (made == nullptr) return nullptr;
  Py_INCREF(function);
  made->function = function;
  made->call = CallMarked;
  return reinterpret_cast<PyObject*>(made);
}

void FreeMarked(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  Py_XDECREF(reinterpret_cast<MarkedObject*>(self)->function);
  type->tp_free(self);
  Py_DECREF(type);
}

// What torch.fx writes calls of it by.
PyObject* NameOf(PyObject*, void* name) { return PyUnicode_FromString(static_cast<const char*>(name)); }

char g_name[] = "passnet_call", g_room[] = "passnet_worker";
PyGetSetDef kNames[] = {{"__name__", NameOf, nullptr, nullptr, g_name},
                        {"__qualname__", NameOf, nullptr, nullptr, g_name},
                        {"__module__", NameOf, nullptr, nullptr, g_room},
                        {nullptr, nullptr, nullptr, nullptr, nullptr}};
PyMemberDef kMembers[] = {{"__vectorcalloffset__", T_PYSSIZET, offsetof(MarkedObject, call), READONLY, nullptr},
                          {nullptr, 0, 0, 0, nullptr}};
PyType_Slot kMarkedSlots[] = {{Py_tp_new, reinterpret_cast<void*>(NewMarked)},
                              {Py_tp_dealloc, reinterpret_cast<void*>(FreeMarked)},
                              {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                              {Py_tp_members, kMembers},
                              {Py_tp_getset, kNames},
                              {0, nullptr}};
PyType_Spec kMarkedSpec = {"_passnet_worker.Marked", sizeof(MarkedObject), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL, kMarkedSlots};

}  // namespace

int AddMarked(PyObject* module) {
  PyObject* type = PyType_FromSpec(&kMarkedSpec);
  if (type == nullptr) return -1;
  return PyModule_AddObject(module, "Marked", type);
}

}  // namespace passnet::worker
