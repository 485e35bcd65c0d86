SELECT audit_unsealed()
