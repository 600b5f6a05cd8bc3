// The Python callable `Marked(function)`: calls the candidate's function and tells the observer when it begins and ends.
// Every candidate's function is called through one, watched or not.
#pragma once

#include <Python.h>

namespace passnet::worker {

// Adds the type Marked to the module; -1 with a Python error set.
int AddMarked(PyObject* module);

}  // namespace passnet::worker
