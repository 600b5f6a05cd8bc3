# On a host that has no packages to build with: programs that were built elsewhere (./dev gpu-bundle) take the places in the
# build folder that they would have been built in, beside the two shared objects that are built here, against its torch.
file(COPY ${PASSNET_CARRIED}/bin ${PASSNET_CARRIED}/lib DESTINATION ${CMAKE_BINARY_DIR})
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/lib/python-path CONTENT "${PASSNET_PYTHON}\n")
configure_file(bench/upstream_yardstick.py ${CMAKE_BINARY_DIR}/lib/bench/upstream_yardstick.py COPYONLY)
file(STRINGS ${PASSNET_CARRIED}/gpu-tests carried_tests)
foreach(test ${carried_tests})
  add_test(NAME ${test} COMMAND ${CMAKE_BINARY_DIR}/bin/${test})
  set_tests_properties(${test} PROPERTIES LABELS gpu TIMEOUT 1800 RUN_SERIAL ON)
endforeach()
