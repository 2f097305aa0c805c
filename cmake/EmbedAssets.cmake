# SPDX-License-Identifier: Apache-2.0
# embed_assets(TARGET DIST): adds to a module the bytes of a built UI. DIST may be absent or change
# at any time: a step that always runs, and writes only what differs, looks at it in every build.
enable_language(ASM)
find_package(Python3 REQUIRED COMPONENTS Interpreter)

function(embed_assets target dist)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/generated)
  add_custom_target(${target}_embed
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/embed_assets.py ${dist} ${out}
    BYPRODUCTS ${out}/blob.S ${out}/table.cc ${out}/blob.bin
    COMMENT "embedding the UI")
  set_source_files_properties(${out}/blob.S PROPERTIES OBJECT_DEPENDS ${out}/blob.bin
    # Our warnings are for C++; the sanitizers have nothing to see in data.
    COMPILE_OPTIONS "-Wno-unused-command-line-argument")
  target_sources(${target} PRIVATE ${out}/blob.S ${out}/table.cc)
  add_dependencies(${target} ${target}_embed)
  if(NOT EXISTS ${dist}/index.html)
    message(STATUS "No built UI in ${dist} yet: the binary will have none until `make web`")
  endif()
endfunction()
