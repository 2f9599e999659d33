// nibble._nibble: what the Python package calls. Errors of the library become ValueError.
#include "bindings.h"

NB_MODULE(_nibble, m) {
  nanobind::register_exception_translator([](const std::exception_ptr& p, void*) {
    try {
      std::rethrow_exception(p);
    } catch (const nibble::Error& e) {
      PyErr_SetString(PyExc_ValueError, e.what());
    }
  });
  nibble::python::bind_formats(m);
  nibble::python::bind_files(m);
}
