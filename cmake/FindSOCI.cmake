# SPDX-License-Identifier: Apache-2.0
# Debian's libsoci-dev has no CMake package: find the headers and the three libraries in use.
find_path(SOCI_INCLUDE_DIR soci/soci.h)
foreach(part core sqlite3 postgresql)
  find_library(SOCI_${part}_LIBRARY NAMES soci_${part})
endforeach()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(SOCI REQUIRED_VARS SOCI_INCLUDE_DIR SOCI_core_LIBRARY
  SOCI_sqlite3_LIBRARY SOCI_postgresql_LIBRARY)
if(SOCI_FOUND AND NOT TARGET SOCI::soci)
  add_library(SOCI::soci INTERFACE IMPORTED)
  target_include_directories(SOCI::soci SYSTEM INTERFACE ${SOCI_INCLUDE_DIR}
    ${SQLite3_INCLUDE_DIRS} ${PostgreSQL_INCLUDE_DIRS})
  target_link_libraries(SOCI::soci INTERFACE ${SOCI_sqlite3_LIBRARY}
    ${SOCI_postgresql_LIBRARY} ${SOCI_core_LIBRARY})
endif()
