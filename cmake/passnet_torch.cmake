# LibTorch by path from the wheel, never find_package(Torch): with the CUDA flavour of the wheel that call fails on a
# host without the CUDA Toolkit.
set(PASSNET_PYTHON "${CMAKE_SOURCE_DIR}/.venv/bin/python" CACHE FILEPATH "Python that has the pinned torch")
if(NOT EXISTS ${PASSNET_PYTHON})
  message(FATAL_ERROR "${PASSNET_PYTHON} does not exist. Run ./dev setup first, or give -DPASSNET_PYTHON=…")
endif()
execute_process(
  COMMAND ${PASSNET_PYTHON} -c
    "import importlib.util as u, os, sysconfig; print(os.path.dirname(u.find_spec('torch').origin), sysconfig.get_path('include'), sep=';')"
  OUTPUT_VARIABLE passnet_python_facts OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
list(GET passnet_python_facts 0 PASSNET_TORCH_DIR)
list(GET passnet_python_facts 1 PASSNET_PYTHON_INCLUDE)
if(NOT EXISTS ${PASSNET_PYTHON_INCLUDE}/Python.h)
  message(FATAL_ERROR "${PASSNET_PYTHON_INCLUDE}/Python.h is missing. Install python3-dev (./dev setup does).")
endif()

add_library(passnet_torch INTERFACE)
target_include_directories(passnet_torch SYSTEM INTERFACE
  ${PASSNET_TORCH_DIR}/include ${PASSNET_TORCH_DIR}/include/torch/csrc/api/include)
target_link_libraries(passnet_torch INTERFACE
  ${PASSNET_TORCH_DIR}/lib/libtorch_cpu.so ${PASSNET_TORCH_DIR}/lib/libc10.so)
target_link_options(passnet_torch INTERFACE -Wl,-rpath,${PASSNET_TORCH_DIR}/lib)

add_library(passnet_torch_python INTERFACE)
target_include_directories(passnet_torch_python SYSTEM INTERFACE ${PASSNET_PYTHON_INCLUDE})
target_link_libraries(passnet_torch_python INTERFACE passnet_torch ${PASSNET_TORCH_DIR}/lib/libtorch_python.so)
