UPDATE safety_plans SET entered_in_error_by = @subject, entered_in_error_why = @why WHERE id = @id
