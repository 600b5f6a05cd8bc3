// The sandbox's fork dance and plan application, for Python.
// Threads: one; the functions must not run in a process with more than one thread.
#pragma once

#include <Python.h>

namespace passnet::worker {

// Adds save_pid_namespace(), prepare_fork(), after_fork(saved) and apply(plan) to the module. 0, or -1 with an error set.
int AddJail(PyObject* module);

}  // namespace passnet::worker
