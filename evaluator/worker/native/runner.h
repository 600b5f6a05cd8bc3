// The calling loop of a worker process: waits for a run command, calls the installed function on the slots it names,
// copies every output into its place of the shared region, answers with the nonce. No clock, no verdict, no seed.
// Threads: one; holds the GIL throughout. Owns: the mappings of both regions and the tensors that view them.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

namespace passnet::worker {

// Adds the type `Runner` to the module. 0 on success, -1 with a Python error set.
int AddRunner(PyObject* module);

}  // namespace passnet::worker
