// The native half of the worker: the calling loop, kernels, and the sandbox's last step. Imported by the zygote before
// it forks, so that every child has it without loading anything.
#include "evaluator/worker/native/device_memory.h"
#include "evaluator/worker/native/jail.h"
#include "evaluator/worker/native/kernels.h"
#include "evaluator/worker/native/marked.h"
#include "evaluator/worker/native/runner.h"
#include "evaluator/worker/native/triton_launch.h"

namespace {

PyModuleDef g_module = {PyModuleDef_HEAD_INIT, "_passnet_worker", "Native half of the passnet worker.", -1, nullptr,
                        nullptr,               nullptr,           nullptr,                              nullptr};

}  // namespace

PyMODINIT_FUNC PyInit__passnet_worker() {
  PyObject* module = PyModule_Create(&g_module);
  if (module == nullptr) return nullptr;
  if (passnet::worker::AddRunner(module) != 0 || passnet::worker::AddKernels(module) != 0 ||
      passnet::worker::AddMarked(module) != 0 || passnet::worker::AddJail(module) != 0 ||
      passnet::worker::device_memory::AddDeviceMemory(module) != 0 || passnet::worker::AddTritonLaunch(module) != 0) {
    Py_DECREF(module);
    return nullptr;
  }
  return module;
}
