# Every dependency with its floor, checked here and nowhere else. Debian 12 packages; torch comes from the wheel.
include(GoogleTest)
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)          # system::result (1.81); the default libboost-dev of Debian 12 is 1.74
find_package(OpenSSL 3.0 REQUIRED)
find_package(SQLite3 3.37 REQUIRED)        # STRICT tables
find_package(nlohmann_json 3.11 REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(CLI11 REQUIRED)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp>=2.5)
pkg_check_modules(HTTPLIB REQUIRED IMPORTED_TARGET cpp-httplib>=0.11)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd>=1.5)

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
